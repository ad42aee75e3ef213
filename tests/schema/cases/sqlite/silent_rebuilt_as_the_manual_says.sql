-- before
CREATE TABLE t (a INTEGER, b TEXT);
CREATE INDEX i ON t (a);
-- after
CREATE TABLE t_new (a INTEGER, b TEXT);
INSERT INTO t_new SELECT * FROM t;
DROP TABLE t;
ALTER TABLE t_new RENAME TO t;
CREATE INDEX i ON t (a);
-- expect
