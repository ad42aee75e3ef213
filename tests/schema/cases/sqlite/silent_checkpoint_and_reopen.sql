-- before
PRAGMA journal_mode = WAL;
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
-- after
INSERT INTO t (a) VALUES ('x');
PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA journal_mode = DELETE;
PRAGMA journal_mode = WAL;
-- expect
