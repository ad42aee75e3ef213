-- before
CREATE TABLE t (a int);
-- after
BEGIN;
ALTER TABLE t ADD COLUMN b int;
DROP TABLE t;
CREATE TABLE u (a int);
ROLLBACK;
-- expect
