-- before
CREATE TABLE t (a INTEGER);
CREATE VIEW "old one" AS SELECT a FROM t;
-- after
ALTER VIEW "old one" RENAME TO v;
-- expect
view main.old one renamed breaking
