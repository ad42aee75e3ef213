-- before
CREATE TABLE t (a text, b point NOT NULL);
-- after
ALTER TABLE t ADD FULLTEXT KEY f (a);
ALTER TABLE t ADD SPATIAL KEY s (b);
-- expect
index t.f added safe
index t.s added safe
