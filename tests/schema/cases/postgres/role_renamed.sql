-- Owners and rights go by the new name and are the same.
-- before
DROP ROLE IF EXISTS case_now;
DROP ROLE IF EXISTS case_until_now;
CREATE ROLE case_until_now;
CREATE TABLE t (a int);
ALTER TABLE t OWNER TO case_until_now;
CREATE TABLE u (a int);
GRANT SELECT ON u TO case_bob, case_until_now;
CREATE POLICY p ON u TO case_until_now, case_bob USING (a > 0);
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR case_until_now SERVER s;
ALTER DEFAULT PRIVILEGES FOR ROLE case_until_now GRANT SELECT ON TABLES TO case_bob;
-- after
ALTER ROLE case_until_now RENAME TO case_now;
-- expect
role case_until_now renamed breaking security
