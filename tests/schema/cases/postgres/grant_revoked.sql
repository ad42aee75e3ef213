-- What is taken from the owner is told as what the owner is without.
-- before
CREATE TABLE a (x int);
GRANT SELECT ON a TO case_alice;
CREATE TABLE b (x int);
GRANT SELECT, INSERT ON b TO case_alice;
CREATE TABLE c (x int);
GRANT SELECT ON c TO case_alice;
CREATE TABLE d (x int);
-- after
REVOKE SELECT ON a FROM case_alice;
REVOKE INSERT ON b FROM case_alice;
REVOKE SELECT ON c FROM case_alice;
GRANT SELECT ON c TO case_bob;
REVOKE DELETE ON d FROM postgres;
-- expect
grant public.a dropped breaking
grant public.b altered breaking
grant public.c altered breaking security
grant public.d altered breaking
