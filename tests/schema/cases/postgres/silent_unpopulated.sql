-- Whether it holds anything yet says nothing about its form.
-- before
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW v AS SELECT a FROM t WITH NO DATA;
-- after
REFRESH MATERIALIZED VIEW v;
ANALYZE v;
-- expect
