-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD COLUMN b int NOT NULL;
-- expect
column t.b added breaking
