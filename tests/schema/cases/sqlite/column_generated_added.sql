-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
-- after
ALTER TABLE t ADD COLUMN c AS (b * 2);
-- expect
column t.c added safe
