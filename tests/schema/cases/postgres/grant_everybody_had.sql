-- What PUBLIC has without a word is taken away, and what it was given in the schema public from the beginning.
-- before
CREATE DOMAIN d AS int;
CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
CREATE TRUSTED LANGUAGE other HANDLER plpgsql_call_handler;
-- after
DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$;
REVOKE USAGE ON DOMAIN d FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE p() FROM PUBLIC;
REVOKE USAGE ON LANGUAGE other FROM PUBLIC;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
-- expect
grant database altered breaking
grant domain public.d altered breaking
grant language other altered breaking
grant public.p() altered breaking
grant schema public dropped breaking
