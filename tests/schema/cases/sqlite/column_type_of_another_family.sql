-- before
CREATE TABLE t (a INTEGER, b);
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT, b BLOB);
-- expect
column t.a altered breaking
column t.b altered breaking
