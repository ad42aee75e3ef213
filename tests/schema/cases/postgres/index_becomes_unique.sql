-- before
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a);
CREATE UNIQUE INDEX j ON t (b);
-- after
DROP INDEX i, j;
CREATE UNIQUE INDEX i ON t (a);
CREATE INDEX j ON t (b);
-- expect
index public.t.i altered cautious
index public.t.j altered cautious
