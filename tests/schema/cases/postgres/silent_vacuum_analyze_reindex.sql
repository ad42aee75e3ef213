-- before
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE INDEX ON t (b);
INSERT INTO t SELECT i, i::text FROM generate_series(1, 500) AS i;
-- after
VACUUM t;
ANALYZE;
VACUUM FULL t;
REINDEX TABLE t;
REINDEX TABLE CONCURRENTLY t;
CLUSTER t USING t_pkey;
-- expect
