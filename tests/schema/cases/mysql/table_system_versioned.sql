-- MariaDB only.
-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD SYSTEM VERSIONING;
-- expect
table t altered cautious
