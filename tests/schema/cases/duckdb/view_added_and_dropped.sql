-- before
CREATE TABLE t (a INTEGER);
CREATE VIEW v AS SELECT a FROM t;
-- after
DROP VIEW v;
CREATE VIEW w AS SELECT a, count(*) AS n FROM t GROUP BY a;
-- expect
view main.v dropped breaking
view main.w added safe
