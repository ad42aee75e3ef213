-- before
CREATE TABLE t (a text);
-- after
ALTER TABLE t ALTER COLUMN a TYPE text COLLATE "C";
-- expect
column public.t.a altered cautious
