-- before
CREATE TABLE t (a int, KEY k (a));
-- after
ALTER TABLE t RENAME INDEX k TO j;
-- expect
index t.k renamed safe
