-- before
CREATE TABLE p (a int);
CREATE TABLE c (a int);
-- after
ALTER TABLE c INHERIT p;
-- expect
table public.c altered breaking
