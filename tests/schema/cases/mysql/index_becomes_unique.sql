-- before
CREATE TABLE t (a int, KEY k (a));
-- after
ALTER TABLE t DROP KEY k, ADD UNIQUE k (a);
-- expect
index t.k altered cautious
