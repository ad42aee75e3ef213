-- before
CREATE TABLE t (a int);
CREATE SCHEMA s;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- after
ALTER TABLE t OWNER TO case_alice;
ALTER SCHEMA s OWNER TO case_alice;
ALTER FUNCTION f() OWNER TO case_alice;
-- expect
owner public.t altered cautious security
owner schema s altered cautious security
owner public.f() altered cautious security
