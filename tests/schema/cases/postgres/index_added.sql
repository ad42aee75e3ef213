-- before
CREATE TABLE t (a int, b text);
-- after
CREATE INDEX t_a ON t (a);
CREATE INDEX t_lower ON t (lower(b)) WHERE a > 3;
CREATE UNIQUE INDEX t_unique ON t (a) INCLUDE (b);
-- expect
index public.t.t_a added safe
index public.t.t_lower added safe
index public.t.t_unique added cautious
