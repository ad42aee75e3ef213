-- before
CREATE TABLE t (a int PRIMARY KEY);
-- after
ALTER TABLE t DROP CONSTRAINT t_pkey;
-- expect
constraint public.t.t_pkey dropped breaking
