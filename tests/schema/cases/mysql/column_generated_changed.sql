-- before
CREATE TABLE t (a int, b int AS (a + 1) STORED, c int AS (a + 1));
-- after
ALTER TABLE t MODIFY b int AS (a + 2) STORED, DROP COLUMN c;
-- expect
column t.b altered breaking
column t.c dropped breaking
