INSERT INTO orders (id, emial) VALUES (1, 'x'); -- expect: column public.orders.emial -> email
INSERT INTO orders (id, email) SELECT id, nam FROM customers; -- expect: column public.customers.nam -> name
INSERT INTO orders (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET email = excluded.email RETURNING id;
INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = excluded.emial; -- expect: column public.orders.emial -> email
INSERT INTO orders (id) VALUES (1) RETURNING nummer; -- expect: column public.orders.nummer
UPDATE orders SET emial = 'x' WHERE id = 1; -- expect: column public.orders.emial -> email
UPDATE orders SET email = 'x' WHERE idd = 1; -- expect: column public.orders.idd -> id
UPDATE orders o SET email = c.name FROM customers c WHERE c.id = o.customer_id RETURNING o.id, c.region;
DELETE FROM orders WHERE created < now(); -- expect: column public.orders.created -> created_at
DELETE FROM orders USING customers c WHERE c.id = orders.customer_id AND c.name = 'x';
DELETE FROM ordres; -- expect: table ordres -> orders
MERGE INTO ordres USING customers c ON true WHEN MATCHED THEN DELETE; -- expect: table ordres -> orders
