-- MariaDB only: MySQL's word is INVISIBLE.
-- before
CREATE TABLE t (a int, b int);
-- after
ALTER TABLE t ADD KEY k (a) IGNORED;
-- expect
index t.k added safe
