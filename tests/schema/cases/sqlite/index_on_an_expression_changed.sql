-- before
CREATE TABLE t (a TEXT);
CREATE INDEX i ON t (lower(a));
-- after
DROP INDEX i;
CREATE INDEX i ON t (upper(a));
-- expect
index t.i altered cautious
