-- before
CREATE TABLE t (a int, b int);
COMMENT ON COLUMN t.b IS 'old';
CREATE SCHEMA s;
COMMENT ON SCHEMA s IS 'a schema';
-- after
COMMENT ON TABLE t IS 'a table';
COMMENT ON COLUMN t.b IS 'new';
COMMENT ON SCHEMA s IS NULL;
-- expect
comment public.t added safe
comment public.t.b altered safe
comment schema s dropped safe
