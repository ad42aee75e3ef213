-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE INDEX i ON t (a) WHERE b > 0;
-- after
DROP INDEX i;
CREATE INDEX i ON t (a) WHERE b > 1;
-- expect
index t.i altered cautious
