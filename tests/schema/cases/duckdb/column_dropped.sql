-- before
CREATE TABLE t (a INTEGER, b INTEGER);
-- after
ALTER TABLE t DROP COLUMN b;
-- expect
column main.t.b dropped destructive
