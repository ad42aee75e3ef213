-- before
CREATE TABLE t (a INTEGER);
-- after
ALTER TABLE t ADD COLUMN b TEXT;
ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 0;
-- expect
column t.b added safe
column t.c added safe
