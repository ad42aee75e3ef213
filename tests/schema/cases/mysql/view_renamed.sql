-- before
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t WHERE a > 1;
-- after
RENAME TABLE v TO w;
-- expect
view v renamed breaking
