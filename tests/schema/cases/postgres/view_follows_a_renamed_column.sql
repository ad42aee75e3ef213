-- Its own columns are called as before, so the text says `bee AS b` now; where they were called `bee` it says so no longer.
-- before
CREATE TABLE t (a int, b int);
CREATE TABLE u (b int, c int);
CREATE VIEW v AS SELECT a AS x, b FROM t WHERE b > 0;
CREATE VIEW w AS SELECT b AS bee FROM t;
CREATE VIEW j AS SELECT * FROM t JOIN u USING (b);
CREATE MATERIALIZED VIEW m AS SELECT b, count(*) FROM t GROUP BY b;
-- after
ALTER TABLE t RENAME COLUMN b TO bee;
-- expect
column public.t.b renamed breaking
