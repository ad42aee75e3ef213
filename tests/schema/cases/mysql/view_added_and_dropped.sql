-- before
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- after
DROP VIEW v;
CREATE VIEW w AS SELECT a + 1 AS b FROM t;
-- expect
view v dropped breaking
view w added safe
