-- before
CREATE TABLE t (a bigint, b text, c numeric(10,4), d timestamp(6));
-- after
ALTER TABLE t ALTER COLUMN a TYPE smallint, ALTER COLUMN b TYPE varchar(5), ALTER COLUMN c TYPE numeric(10,2), ALTER COLUMN d TYPE timestamp(0);
-- expect
column public.t.a altered cautious
column public.t.b altered cautious
column public.t.c altered cautious
column public.t.d altered cautious
