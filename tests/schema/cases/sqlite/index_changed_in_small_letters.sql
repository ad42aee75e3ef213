-- before
create table t (a, b);
create index i on t (a);
-- after
drop index i;
create index i on t (b);
-- expect
index t.i altered cautious
