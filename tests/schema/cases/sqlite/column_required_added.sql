-- before
CREATE TABLE t (a INTEGER);
-- after
DROP TABLE t;
CREATE TABLE t (a INTEGER, b TEXT NOT NULL);
-- expect
column t.b added breaking
