-- Its columns, indexes and constraints have not changed, and neither has a key that refers to it.
-- before
CREATE TABLE orders (id int PRIMARY KEY, email text NOT NULL, CHECK (length(email) > 3));
CREATE INDEX by_email ON orders (lower(email)) WHERE id > 7;
CREATE TABLE items (order_id int REFERENCES orders (id));
-- after
ALTER TABLE orders RENAME TO purchases;
-- expect
table public.orders renamed breaking
