-- SQLite keeps no identity that survives, so this is a table gone and a table come.
-- before
CREATE TABLE orders (id INTEGER PRIMARY KEY);
-- after
ALTER TABLE orders RENAME TO purchases;
-- expect
table orders dropped destructive
table purchases added safe
