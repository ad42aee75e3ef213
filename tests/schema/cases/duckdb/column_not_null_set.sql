-- before
CREATE TABLE t (a INTEGER);
-- after
ALTER TABLE t ALTER COLUMN a SET NOT NULL;
-- expect
column main.t.a altered cautious
