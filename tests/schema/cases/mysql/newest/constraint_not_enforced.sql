-- before
CREATE TABLE t (a int, CONSTRAINT low CHECK (a < 9), CONSTRAINT high CHECK (a > 0) NOT ENFORCED);
-- after
ALTER TABLE t ALTER CHECK low NOT ENFORCED, ALTER CHECK high ENFORCED;
-- expect
constraint t.high altered safe
constraint t.low altered cautious
