-- before
CREATE TABLE t (a INTEGER CHECK (a > 0));
-- after
CREATE OR REPLACE TABLE t (a INTEGER CHECK (a > 10), b INTEGER, CHECK (a < b));
-- expect
column main.t.b added safe
constraint main.t.t_a_check altered cautious
constraint main.t.t_a_b_check added cautious
