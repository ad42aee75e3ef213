-- before
CREATE TABLE t (a INTEGER, b VARCHAR[]);
-- after
ALTER TABLE t ALTER COLUMN a TYPE VARCHAR;
ALTER TABLE t ALTER COLUMN b TYPE VARCHAR USING array_to_string(b, ',');
-- expect
column main.t.a altered breaking
column main.t.b altered breaking
