-- before
CREATE TABLE t (a int CONSTRAINT k CHECK (a > 0));
CREATE INDEX i ON t (a);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
-- after
COMMENT ON CONSTRAINT k ON t IS 'a';
COMMENT ON INDEX i IS 'b';
COMMENT ON TRIGGER g ON t IS 'c';
COMMENT ON FUNCTION touch() IS 'd';
-- expect
comment public.t.constraint k added safe
comment public.t.index i added safe
comment public.t.trigger g added safe
comment public.touch() added safe
