-- before
CREATE TABLE t (a BIGINT);
-- after
ALTER TABLE t ALTER COLUMN a TYPE SMALLINT;
-- expect
column main.t.a altered cautious
