-- before
CREATE TABLE t (a int, b int);
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (b);
-- after
DROP INDEX t_a, t_b;
-- expect
index public.t.t_a dropped cautious
index public.t.t_b dropped cautious
