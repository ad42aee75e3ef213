-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE INDEX i ON t (a);
INSERT INTO t (a) VALUES ('x');
-- after
PRAGMA auto_vacuum = FULL;
VACUUM;
PRAGMA optimize;
ANALYZE;
PRAGMA incremental_vacuum;
-- expect
