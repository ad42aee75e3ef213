-- They have series of their own.
-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
-- after
PRAGMA user_version = 12;
PRAGMA application_id = 77;
-- expect
