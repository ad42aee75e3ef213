-- before
CREATE TABLE t (a INTEGER, b INTEGER);
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (b);
-- after
DROP INDEX t_a;
DROP INDEX t_b;
-- expect
index main.t.t_a dropped cautious
index main.t.t_b dropped cautious
