-- Rebuilt under its name, as SQLite's manual advises.
-- before
CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL);
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
-- expect
table t altered cautious
