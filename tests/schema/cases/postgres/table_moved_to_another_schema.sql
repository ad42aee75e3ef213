-- before
CREATE SCHEMA archive;
CREATE TABLE orders (id int PRIMARY KEY, note text);
CREATE INDEX ON orders (note);
-- after
ALTER TABLE orders SET SCHEMA archive;
-- expect
table public.orders renamed breaking
