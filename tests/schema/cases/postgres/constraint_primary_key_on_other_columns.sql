-- before
CREATE TABLE t (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a));
-- after
ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a, b);
-- expect
constraint public.t.t_pkey altered cautious
