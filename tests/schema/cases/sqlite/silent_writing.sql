-- before
CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);
-- after
INSERT INTO t (a) VALUES ('x');
UPDATE t SET a = 'y';
DELETE FROM t;
PRAGMA user_version = 9;
-- expect
