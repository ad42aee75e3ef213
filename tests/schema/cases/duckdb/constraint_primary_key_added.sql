-- before
CREATE TABLE t (a INTEGER, b INTEGER);
-- after
ALTER TABLE t ADD PRIMARY KEY (a);
-- expect
column main.t.a altered cautious
constraint main.t.t_a_pkey added cautious
