SELECT id FROM (SELECT id, total AS amount FROM orders) AS s WHERE s.amount > 1;
SELECT s.total FROM (SELECT id, total AS amount FROM orders) AS s; -- expect: column total
SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id AND region = 'x');
SELECT name FROM customers c WHERE id IN (SELECT customer FROM orders); -- expect: column customer -> customer_id
SELECT (SELECT max(total) FROM orders o WHERE o.customer_id = c.id) FROM customers c;
SELECT n.n FROM customers c, LATERAL (SELECT count(*) AS n FROM orders WHERE customer_id = c.id) AS n;
SELECT anything FROM customers CROSS JOIN LATERAL unnest(ARRAY[1, 2]) AS anything;
SELECT g FROM generate_series(1, 3) AS g;
SELECT id FROM orders UNION SELECT id FROM customer; -- expect: table customer -> customers
