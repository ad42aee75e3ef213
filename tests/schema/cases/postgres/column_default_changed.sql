-- before
CREATE TABLE t (a timestamptz DEFAULT now());
-- after
ALTER TABLE t ALTER COLUMN a SET DEFAULT clock_timestamp();
-- expect
column public.t.a altered cautious
