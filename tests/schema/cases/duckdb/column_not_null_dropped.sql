-- before
CREATE TABLE t (a INTEGER NOT NULL);
-- after
ALTER TABLE t ALTER COLUMN a DROP NOT NULL;
-- expect
column main.t.a altered breaking
