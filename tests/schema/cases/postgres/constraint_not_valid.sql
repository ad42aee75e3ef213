-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD CONSTRAINT high CHECK (a > 0) NOT VALID;
-- expect
constraint public.t.high added cautious
