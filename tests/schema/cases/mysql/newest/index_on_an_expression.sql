-- before
CREATE TABLE t (a int, b json, KEY k ((a + 1)));
-- after
ALTER TABLE t DROP KEY k, ADD KEY k ((a + 2)), ADD KEY m ((CAST(b->'$.x' AS UNSIGNED ARRAY)));
-- expect
index t.k altered cautious
index t.m added safe
