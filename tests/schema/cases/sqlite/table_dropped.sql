-- before
CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT);
CREATE INDEX by_email ON orders (email);
-- after
DROP TABLE orders;
-- expect
table orders dropped destructive
