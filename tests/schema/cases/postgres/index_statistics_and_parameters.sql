-- before
CREATE TABLE t (a int);
CREATE INDEX i ON t ((a + 1));
CREATE INDEX j ON t (a);
-- after
ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 700;
ALTER INDEX j SET (fillfactor = 50);
-- expect
index public.t.i altered cautious
index public.t.j altered cautious
