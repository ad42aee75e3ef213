-- before
CREATE TABLE t (a TEXT);
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT COLLATE NOCASE);
-- expect
column t.a altered cautious
