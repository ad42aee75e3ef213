-- It makes its column NOT NULL, too.
-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD PRIMARY KEY (a);
-- expect
column public.t.a altered cautious
constraint public.t.t_pkey added cautious
