-- before
CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
-- must fail
CREATE INDEX CONCURRENTLY ruin ON t ((1 / (a - 1)));
-- after
UPDATE t SET a = 5;
REINDEX INDEX ruin;
-- expect
index public.t.ruin altered safe
