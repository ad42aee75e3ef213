-- before
CREATE TABLE t (a INTEGER, b VARCHAR);
-- after
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (b);
-- expect
index main.t.t_a added safe
index main.t.t_b added cautious
