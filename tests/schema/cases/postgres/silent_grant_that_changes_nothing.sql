-- Explicit rights are told as the defaults that they are equal to.
-- before
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- after
GRANT SELECT ON t TO postgres;
GRANT SELECT ON t TO case_alice;
REVOKE SELECT ON t FROM case_alice;
GRANT EXECUTE ON FUNCTION f() TO PUBLIC;
-- expect
