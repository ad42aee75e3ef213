-- before
CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL);
-- after
ALTER TABLE t DROP COLUMN b;
-- expect
column t.b dropped breaking
