-- before
CREATE TABLE t (a int, KEY k (a), KEY j (a) INVISIBLE);
-- after
ALTER TABLE t ALTER INDEX k INVISIBLE, ALTER INDEX j VISIBLE;
-- expect
index t.j altered safe
index t.k altered cautious
