-- What mentions it follows.
-- before
CREATE TABLE t (a int, b int, KEY e (b));
-- after
ALTER TABLE t RENAME COLUMN b TO bee;
-- expect
column t.b renamed breaking
