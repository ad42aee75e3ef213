-- Dropped and added: another column, whatever its type.
-- before
CREATE TABLE t (id int, a text);
-- after
ALTER TABLE t DROP COLUMN a;
ALTER TABLE t ADD COLUMN b text;
-- expect
column public.t.a dropped destructive
column public.t.b added safe
