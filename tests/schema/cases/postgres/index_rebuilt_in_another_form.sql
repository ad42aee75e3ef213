-- before
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a);
-- after
DROP INDEX i;
CREATE INDEX i ON t (a, b);
-- expect
index public.t.i altered cautious
