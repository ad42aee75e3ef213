-- before
CREATE TABLE t (a INTEGER CHECK (a > 0));
-- after
DROP TABLE t;
CREATE TABLE t (a INTEGER, CONSTRAINT low CHECK (a < 9));
-- expect
constraint t.CHECK ( a < 9 ) added cautious
constraint t.CHECK ( a > 0 ) dropped cautious
