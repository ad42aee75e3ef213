-- A concurrent build that met duplicates: its ruin refuses nothing.
-- before
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 1), (1, 1);
-- must fail
CREATE UNIQUE INDEX CONCURRENTLY old_ruin ON t (b);
-- after
-- must fail
CREATE UNIQUE INDEX CONCURRENTLY ruin ON t (a);
DROP INDEX old_ruin;
-- expect
index public.t.old_ruin dropped safe
index public.t.ruin added cautious
