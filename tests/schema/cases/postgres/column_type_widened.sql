-- before
CREATE TABLE t (a int, b varchar(10), c numeric(8,2), d real);
-- after
ALTER TABLE t ALTER COLUMN a TYPE bigint, ALTER COLUMN b TYPE text, ALTER COLUMN c TYPE numeric(10,2), ALTER COLUMN d TYPE double precision;
-- expect
column public.t.a altered safe
column public.t.b altered safe
column public.t.c altered safe
column public.t.d altered safe
