-- before
CREATE TABLE old (a);
-- after
CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE INDEX by_email ON orders (email);
-- expect
table orders added safe
