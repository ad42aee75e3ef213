-- before
CREATE TABLE t (a);
-- after
BEGIN;
CREATE TABLE u (a);
DROP TABLE t;
ROLLBACK;
-- expect
