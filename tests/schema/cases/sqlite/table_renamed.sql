-- SQLite keeps no identity: the table is known again by all that it has.
-- before
CREATE TABLE orders (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''));
CREATE INDEX i ON orders (a);
CREATE TABLE other (x);
-- after
ALTER TABLE orders RENAME TO purchases;
-- expect
table orders renamed breaking
