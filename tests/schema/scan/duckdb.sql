-- dialect: duckdb
SELECT * EXCLUDE (email) FROM orders;
SELECT list_transform([1, 2], x -> x + 1) FROM orders;
SELECT anything FROM 'file.parquet';
SELECT anything FROM read_csv('x.csv');
FROM orders SELECT id;
SELECT emial FROM main.orders; -- expect: column main.orders.emial -> email
