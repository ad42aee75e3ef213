-- before
CREATE TABLE t (a int, b timestamp, c text);
-- after
ALTER TABLE t ALTER COLUMN a TYPE text, ALTER COLUMN b TYPE timestamptz, ALTER COLUMN c TYPE text[] USING ARRAY[c];
-- expect
column public.t.a altered breaking
column public.t.b altered breaking
column public.t.c altered breaking
