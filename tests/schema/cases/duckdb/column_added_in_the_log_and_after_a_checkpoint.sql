-- before
CREATE TABLE t (a INTEGER);
CHECKPOINT;
-- after
ALTER TABLE t ADD COLUMN b VARCHAR DEFAULT 'new';
CHECKPOINT;
ALTER TABLE t ADD COLUMN c DATE;
-- expect
column main.t.b added safe
column main.t.c added safe
