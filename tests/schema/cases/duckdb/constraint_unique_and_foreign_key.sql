-- before
CREATE TABLE p (id INTEGER PRIMARY KEY);
CREATE TABLE t (a INTEGER, b INTEGER UNIQUE);
-- after
CREATE OR REPLACE TABLE t (a INTEGER REFERENCES p (id), b INTEGER);
-- expect
constraint main.t.t_a_id_fkey added cautious
constraint main.t.t_b_key dropped cautious
