-- before
CREATE TABLE t (a int, CONSTRAINT low CHECK (a < 9));
-- after
ALTER TABLE t ADD CONSTRAINT high CHECK (a > 0), DROP CONSTRAINT low;
-- expect
constraint public.t.high added cautious
constraint public.t.low dropped cautious
