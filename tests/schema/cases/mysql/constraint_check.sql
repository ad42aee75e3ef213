-- before
CREATE TABLE t (a int, CONSTRAINT low CHECK (a < 9), CONSTRAINT fine CHECK (a <> 7));
-- after
ALTER TABLE t ADD CONSTRAINT high CHECK (a > 0), DROP CONSTRAINT low, DROP CONSTRAINT fine, ADD CONSTRAINT fine CHECK (a <> 8);
-- expect
constraint t.fine altered cautious
constraint t.high added cautious
constraint t.low dropped cautious
