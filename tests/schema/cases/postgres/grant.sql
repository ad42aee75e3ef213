-- before
CREATE TABLE a (x int, y int);
CREATE TABLE b (x int);
GRANT SELECT ON b TO case_alice;
CREATE TABLE c (x int);
GRANT SELECT ON c TO case_alice;
CREATE TABLE d (x int);
CREATE TABLE e (x int);
REVOKE DELETE ON e FROM postgres;
-- after
GRANT SELECT ON a TO case_alice;
GRANT UPDATE (y) ON a TO case_bob;
GRANT INSERT ON b TO case_alice WITH GRANT OPTION;
GRANT SELECT ON c TO PUBLIC;
GRANT SELECT ON d TO PUBLIC;
GRANT DELETE ON e TO postgres;
-- expect
grant public.a added safe security
grant public.a.y added safe security
grant public.b altered safe security
grant public.c altered cautious security
grant public.d added cautious security
grant public.e altered safe security
