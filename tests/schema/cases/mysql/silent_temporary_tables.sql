-- before
CREATE TABLE t (a int);
-- after
CREATE TEMPORARY TABLE u (a int);
ALTER TABLE u ADD COLUMN b int;
CREATE TEMPORARY TABLE t (x text);
DROP TEMPORARY TABLE t;
-- expect
