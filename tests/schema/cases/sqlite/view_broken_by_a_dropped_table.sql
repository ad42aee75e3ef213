-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE VIEW v AS SELECT a FROM t;
-- after
DROP TABLE t;
-- expect
table t dropped destructive
view v altered breaking
