-- before
CREATE TABLE t (a point NOT NULL SRID 0);
-- after
ALTER TABLE t MODIFY a point NOT NULL SRID 4326;
-- expect
column t.a altered cautious
