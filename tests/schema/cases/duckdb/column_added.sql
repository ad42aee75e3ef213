-- before
CREATE TABLE t (a INTEGER);
-- after
ALTER TABLE t ADD COLUMN b VARCHAR;
-- expect
column main.t.b added safe
