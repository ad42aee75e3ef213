-- before
CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT);
-- after
ALTER TABLE orders DROP COLUMN email;
-- expect
column orders.email dropped destructive
