-- before
CREATE TABLE t (a text, KEY k (a(20)));
-- after
ALTER TABLE t DROP KEY k, ADD KEY k (a(10));
-- expect
index t.k altered cautious
