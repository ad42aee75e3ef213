-- The name says nothing, the columns do.
-- before
CREATE TABLE t (a int, b int);
CREATE INDEX ON t (a);
-- after
DROP INDEX t_a_idx;
CREATE INDEX ON t (b);
-- expect
index public.t.t_a_idx dropped cautious
index public.t.t_b_idx added safe
