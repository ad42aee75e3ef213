-- before
CREATE TABLE t (a int, b int CONSTRAINT b_once UNIQUE);
-- after
ALTER TABLE t ADD CONSTRAINT a_once UNIQUE (a), DROP CONSTRAINT b_once;
-- expect
constraint public.t.a_once added cautious
constraint public.t.b_once dropped cautious
