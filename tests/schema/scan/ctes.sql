WITH big AS (SELECT id, email FROM orders WHERE total > 10), named (a, b) AS (SELECT id, name FROM customers)
SELECT big.id, email, a, b FROM big JOIN named ON named.a = big.id;
WITH big AS (SELECT id FROM orders)
SELECT email FROM big; -- expect: column email
WITH RECURSIVE tree AS (SELECT id, 1 AS depth FROM customers UNION ALL SELECT id, depth + 1 FROM tree)
SELECT id, depth FROM tree;
WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING *)
SELECT id, email FROM gone;
WITH every AS (SELECT * FROM orders) SELECT anything FROM every;
WITH x AS (SELECT emial FROM orders) SELECT 1 FROM x; -- expect: column public.orders.emial -> email
