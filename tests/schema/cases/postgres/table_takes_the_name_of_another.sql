-- The way in which a table is filled anew beside the old one: nothing is lost, and both are told by the name that clients knew.
-- before
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE t_new (id bigint PRIMARY KEY, a int);
GRANT SELECT ON t TO case_alice;
-- after
ALTER TABLE t RENAME TO t_old;
ALTER TABLE t_new RENAME TO t;
-- expect
table public.t renamed breaking
table public.t_new renamed breaking
