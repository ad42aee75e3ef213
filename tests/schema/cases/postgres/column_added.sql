-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD COLUMN b text;
ALTER TABLE t ADD COLUMN c int NOT NULL DEFAULT 0;
-- expect
column public.t.b added safe
column public.t.c added safe
