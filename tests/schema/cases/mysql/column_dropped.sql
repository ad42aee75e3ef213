-- before
CREATE TABLE orders (id int PRIMARY KEY, email text, KEY e (email(10)));
-- after
ALTER TABLE orders DROP COLUMN email;
-- expect
column orders.email dropped destructive
index orders.e dropped cautious
