-- before
CREATE TABLE t (a int CONSTRAINT low CHECK (a < 9));
-- after
ALTER TABLE t RENAME CONSTRAINT low TO below;
-- expect
constraint public.t.low renamed safe
