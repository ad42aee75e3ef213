-- before
CREATE FUNCTION f() RETURNS int SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION h() RETURNS int SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION p() RETURNS int SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql AS 'SELECT 1';
-- after
ALTER FUNCTION f() RESET search_path;
ALTER FUNCTION g() SECURITY DEFINER;
ALTER FUNCTION h() SECURITY INVOKER;
CREATE FUNCTION i() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION j() RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql AS 'SELECT 1';
-- expect
function public.f() altered cautious security
function public.g() altered cautious security
function public.h() altered breaking
function public.i() added cautious security
function public.j() added safe
