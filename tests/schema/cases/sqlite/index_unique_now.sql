-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE INDEX i ON t (a);
-- after
DROP INDEX i;
CREATE UNIQUE INDEX i ON t (a);
-- expect
index t.i altered cautious
