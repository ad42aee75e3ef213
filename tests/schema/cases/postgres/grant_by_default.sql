-- What everybody may do unless it is revoked.
-- before
CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION b() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION c() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION d() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION b() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION d() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION d() TO case_alice;
CREATE TYPE m AS ENUM ('x');
-- after
REVOKE EXECUTE ON FUNCTION a() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b() TO PUBLIC;
REVOKE EXECUTE ON FUNCTION c() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION c() TO case_alice;
GRANT EXECUTE ON FUNCTION d() TO PUBLIC;
REVOKE EXECUTE ON FUNCTION d() FROM case_alice;
REVOKE USAGE ON TYPE m FROM PUBLIC;
-- expect
grant public.a() altered breaking
grant public.b() altered cautious security
grant public.c() altered breaking security
grant public.d() altered breaking security
grant enum public.m altered breaking
