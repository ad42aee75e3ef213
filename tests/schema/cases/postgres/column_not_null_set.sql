-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ALTER COLUMN a SET NOT NULL;
-- expect
column public.t.a altered cautious
