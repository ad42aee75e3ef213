-- before
CREATE TABLE t (a int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER gone BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER old BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER changed BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER off BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER always BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
-- after
CREATE TRIGGER come AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION touch();
DROP TRIGGER gone ON t;
ALTER TRIGGER old ON t RENAME TO new;
DROP TRIGGER changed ON t;
CREATE TRIGGER changed BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE t DISABLE TRIGGER off, ENABLE ALWAYS TRIGGER always;
-- expect
trigger public.t.come added cautious
trigger public.t.gone dropped cautious
trigger public.t.old renamed safe
trigger public.t.changed altered cautious
trigger public.t.off altered cautious
trigger public.t.always altered cautious
