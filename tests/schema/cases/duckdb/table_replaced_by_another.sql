-- before
CREATE TABLE t (a INTEGER, b VARCHAR);
-- after
CREATE OR REPLACE TABLE t AS SELECT 1::BIGINT AS a, 2 AS c;
-- expect
column main.t.a altered safe
column main.t.b dropped destructive
column main.t.c added safe
