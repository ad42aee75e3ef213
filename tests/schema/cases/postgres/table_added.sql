-- Its columns, keys and indexes are told with it.
-- before
CREATE TABLE old (a int);
-- after
CREATE TABLE orders (id int PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE INDEX orders_lower ON orders (lower(email));
-- expect
table public.orders added safe
