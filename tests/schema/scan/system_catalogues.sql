SELECT anything FROM information_schema.tables;
SELECT relname, whatever FROM pg_catalog.pg_class;
SELECT relname, whatever FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace;
SELECT ctid, xmin, tableoid FROM orders;
SELECT current_user, current_date, session_user FROM orders;
