-- before
CREATE TABLE t (a TEXT, b TEXT NOT NULL);
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT NOT NULL, b TEXT);
-- expect
column t.a altered cautious
column t.b altered breaking
