-- before
CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER gone ON ddl_command_end EXECUTE FUNCTION e();
CREATE EVENT TRIGGER old ON ddl_command_end EXECUTE FUNCTION e();
CREATE EVENT TRIGGER changed ON ddl_command_end EXECUTE FUNCTION e();
CREATE EVENT TRIGGER off ON ddl_command_end EXECUTE FUNCTION e();
-- after
CREATE EVENT TRIGGER come ON sql_drop EXECUTE FUNCTION e();
DROP EVENT TRIGGER gone;
ALTER EVENT TRIGGER old RENAME TO new;
DROP EVENT TRIGGER changed;
CREATE EVENT TRIGGER changed ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION e();
ALTER EVENT TRIGGER off DISABLE;
-- expect
event trigger come added cautious
event trigger gone dropped cautious
event trigger old renamed safe
event trigger changed altered cautious
event trigger off altered cautious
