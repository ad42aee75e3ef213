-- before
CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);
CREATE INDEX i ON t (b);
INSERT INTO t (b) VALUES ('x'), ('y');
-- after
ANALYZE;
REINDEX;
VACUUM;
-- expect
