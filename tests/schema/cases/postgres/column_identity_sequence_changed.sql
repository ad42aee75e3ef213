-- before
CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY);
-- after
ALTER TABLE t ALTER a SET INCREMENT 5;
-- expect
column public.t.a altered cautious
