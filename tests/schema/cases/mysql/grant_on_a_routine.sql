-- before
CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1;
CREATE USER IF NOT EXISTS case_caller;
-- after
GRANT EXECUTE ON FUNCTION f TO case_caller;
-- expect
grant function f added safe security
