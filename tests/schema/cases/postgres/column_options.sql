-- before
CREATE TABLE t (a text, b text, c int);
-- after
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET (n_distinct = 5), ALTER c SET STATISTICS 500;
-- expect
column public.t.a altered safe
column public.t.b altered safe
column public.t.c altered safe
