-- A concurrent build that failed leaves its ruin.
-- before
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (1);
-- after
-- must fail
CREATE INDEX CONCURRENTLY ruin ON t ((1 / (a - 1)));
-- expect
index public.t.ruin added cautious
