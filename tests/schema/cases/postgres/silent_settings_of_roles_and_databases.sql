-- before
CREATE TABLE t (a int);
ALTER TABLE t OWNER TO case_alice;
-- after
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database()); END $$;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 90', current_database()); END $$;
ALTER ROLE case_alice SET statement_timeout = '1min';
ALTER ROLE case_alice VALID UNTIL '2030-01-01' CREATEDB;
ALTER ROLE case_alice RESET ALL;
ALTER ROLE case_alice VALID UNTIL 'infinity' NOCREATEDB;
