-- Another function of the same name.
-- before
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- after
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- expect
function public.f(text) added safe
