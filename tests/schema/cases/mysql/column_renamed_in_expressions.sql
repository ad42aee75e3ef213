-- MariaDB only: MySQL does not rename what expressions use.
-- before
CREATE TABLE t (a int, b int, c int AS (b + 1), CONSTRAINT positive CHECK (b > 0));
-- after
ALTER TABLE t RENAME COLUMN b TO bee;
-- expect
column t.b renamed breaking
