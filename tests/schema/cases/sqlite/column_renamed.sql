-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
-- after
ALTER TABLE t RENAME COLUMN a TO b;
-- expect
column t.a renamed breaking
