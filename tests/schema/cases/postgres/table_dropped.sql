-- before
CREATE TABLE orders (id int PRIMARY KEY, email text);
CREATE INDEX ON orders (email);
-- after
DROP TABLE orders;
-- expect
table public.orders dropped destructive
