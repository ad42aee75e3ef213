-- before
CREATE TABLE t (a INTEGER, b DECIMAL(8,2));
-- after
ALTER TABLE t ALTER COLUMN a TYPE BIGINT;
ALTER TABLE t ALTER COLUMN b TYPE DECIMAL(12,2);
-- expect
column main.t.a altered safe
column main.t.b altered safe
