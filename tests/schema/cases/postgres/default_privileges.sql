-- before
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO case_alice;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO case_alice;
-- after
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO case_alice;
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON SEQUENCES FROM case_alice;
-- expect
default privileges of postgres on functions added cautious security
default privileges of postgres on tables in schema public altered cautious security
default privileges of postgres on sequences dropped cautious security
