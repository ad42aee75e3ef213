-- Without an identity nothing says that the two are one.
-- before
CREATE TABLE orders (id INTEGER PRIMARY KEY, a TEXT);
-- after
ALTER TABLE orders RENAME TO purchases;
ALTER TABLE purchases ADD COLUMN c;
-- expect
table orders dropped destructive
table purchases added safe
