-- before
CREATE TABLE p (a int);
CREATE TABLE c (b int) INHERITS (p);
-- after
ALTER TABLE p ADD COLUMN d int;
-- expect
column public.c.d added safe
column public.p.d added safe
