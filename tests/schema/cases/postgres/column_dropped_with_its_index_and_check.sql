-- before
CREATE TABLE t (a int, b int, CONSTRAINT b_positive CHECK (b > 0));
CREATE INDEX b_index ON t (b);
-- after
ALTER TABLE t DROP COLUMN b;
-- expect
column public.t.b dropped destructive
constraint public.t.b_positive dropped cautious
index public.t.b_index dropped cautious
