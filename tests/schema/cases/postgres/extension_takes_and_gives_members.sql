-- before
CREATE EXTENSION hstore;
CREATE TABLE taken (a int);
CREATE FUNCTION taken_too() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE given (a int);
ALTER EXTENSION hstore ADD TABLE given;
-- after
ALTER EXTENSION hstore ADD TABLE taken;
ALTER EXTENSION hstore ADD FUNCTION taken_too();
ALTER EXTENSION hstore DROP TABLE given;
-- expect
table public.taken dropped destructive
function public.taken_too() dropped breaking
table public.given added safe
