-- before
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (1);
-- must fail
CREATE UNIQUE INDEX CONCURRENTLY ruin ON t (a);
-- after
DELETE FROM t;
REINDEX INDEX ruin;
-- expect
index public.t.ruin altered cautious
