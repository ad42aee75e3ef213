-- before
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
-- after
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass;
-- expect
index public.t.i altered cautious
