-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD COLUMN b text FIRST, ADD COLUMN c int NOT NULL DEFAULT 0;
-- expect
column t.b added safe
column t.c added safe
