-- before
CREATE TABLE t (a int, CHECK (a > 0), CHECK (a < 9));
CREATE INDEX ON t (a);
CREATE INDEX ON t (a) WHERE a > 5;
-- after
DROP TABLE t;
CREATE TABLE t (a int, CHECK (a < 9), CHECK (a > 0));
CREATE INDEX ON t (a) WHERE a > 5;
CREATE INDEX ON t (a);
-- expect
