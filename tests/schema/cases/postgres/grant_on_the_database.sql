-- before
SELECT 1;
-- after
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
-- expect
grant database altered breaking
