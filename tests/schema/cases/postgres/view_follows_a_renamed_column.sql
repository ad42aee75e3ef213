-- before
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a AS x FROM t WHERE b > 0;
-- after
ALTER TABLE t RENAME COLUMN b TO bee;
-- expect
column public.t.b renamed breaking
