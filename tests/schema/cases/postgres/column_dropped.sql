-- before
CREATE TABLE orders (id int PRIMARY KEY, email text);
-- after
ALTER TABLE orders DROP COLUMN email;
-- expect
column public.orders.email dropped destructive
