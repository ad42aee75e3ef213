-- before
CREATE TABLE t (a int NOT NULL);
-- after
ALTER TABLE t ALTER COLUMN a DROP NOT NULL;
-- expect
column public.t.a altered breaking
