-- before
CREATE TABLE t (a int, b int);
CREATE MATERIALIZED VIEW gone AS SELECT a FROM t;
CREATE MATERIALIZED VIEW old AS SELECT a FROM t;
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
CREATE MATERIALIZED VIEW w AS SELECT a FROM t;
CREATE MATERIALIZED VIEW x AS SELECT a FROM t;
CREATE MATERIALIZED VIEW y AS SELECT a FROM t;
CREATE INDEX i ON y (a);
-- after
CREATE MATERIALIZED VIEW come AS SELECT b FROM t;
DROP MATERIALIZED VIEW gone;
ALTER MATERIALIZED VIEW old RENAME TO new;
DROP MATERIALIZED VIEW v;
CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE b > 0;
ALTER MATERIALIZED VIEW w SET (fillfactor = 50);
ALTER MATERIALIZED VIEW x RENAME COLUMN a TO c;
DROP INDEX i;
-- expect
materialized view public.come added safe
materialized view public.gone dropped breaking
materialized view public.old renamed breaking
materialized view public.v altered cautious
materialized view public.w altered safe
materialized view public.x altered breaking
index public.y.i dropped cautious
