-- MariaDB only: MySQL's word is INVISIBLE.
-- before
CREATE TABLE t (a int, KEY k (a), KEY j (a) IGNORED);
-- after
ALTER TABLE t ALTER INDEX k IGNORED, ALTER INDEX j NOT IGNORED;
-- expect
index t.j altered safe
index t.k altered cautious
