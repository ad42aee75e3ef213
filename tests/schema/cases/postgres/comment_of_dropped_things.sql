-- They go with what they are about.
-- before
CREATE TABLE t (a int, b int CONSTRAINT k CHECK (b > 0));
COMMENT ON COLUMN t.b IS 'x';
COMMENT ON CONSTRAINT k ON t IS 'y';
CREATE TABLE u (a int);
COMMENT ON TABLE u IS 'z';
-- after
ALTER TABLE t DROP COLUMN b;
DROP TABLE u;
-- expect
column public.t.b dropped destructive
constraint public.t.k dropped cautious
table public.u dropped destructive
