-- SQLite knows no such statement; dropped and made again under another name is the same.
-- before
CREATE TABLE t (a);
CREATE INDEX i ON t (a);
-- after
DROP INDEX i;
CREATE INDEX j ON t (a);
-- expect
index t.i renamed safe
