-- SQLite keeps no identity that survives, so this is a column gone and a column come.
-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
-- after
ALTER TABLE t RENAME COLUMN a TO b;
-- expect
column t.a dropped destructive
column t.b added safe
