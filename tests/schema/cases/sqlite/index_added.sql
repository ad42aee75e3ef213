-- Written in small letters, too.
-- before
CREATE TABLE t (a INTEGER, b TEXT);
-- after
create index t_a on t (a);
CREATE UNIQUE INDEX t_b ON t (b) WHERE a > 3;
-- expect
index t.t_a added safe
index t.t_b added cautious
