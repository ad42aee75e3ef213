-- before
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- after
DROP TABLE t;
-- expect
table t dropped destructive
view v altered breaking
