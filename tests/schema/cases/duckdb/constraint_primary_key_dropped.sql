-- before
CREATE TABLE t (a INTEGER PRIMARY KEY);
-- after
CREATE OR REPLACE TABLE t (a INTEGER NOT NULL);
-- expect
constraint main.t.t_a_pkey dropped breaking
