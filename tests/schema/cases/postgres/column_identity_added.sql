-- It is NOT NULL, but the server fills it.
-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
-- expect
column public.t.id added safe
