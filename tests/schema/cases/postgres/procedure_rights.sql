-- before
CREATE PROCEDURE f() SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE g() LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE h() SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p() SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql AS 'SELECT 1';
-- after
ALTER PROCEDURE f() RESET search_path;
ALTER PROCEDURE g() SECURITY DEFINER;
ALTER PROCEDURE h() SECURITY INVOKER;
CREATE PROCEDURE i() SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE j() SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql AS 'SELECT 1';
-- expect
procedure public.f() altered cautious security
procedure public.g() altered cautious security
procedure public.h() altered breaking
procedure public.i() added cautious security
procedure public.j() added safe
