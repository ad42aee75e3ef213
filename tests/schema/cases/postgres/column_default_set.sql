-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ALTER COLUMN a SET DEFAULT 7;
-- expect
column public.t.a altered safe
