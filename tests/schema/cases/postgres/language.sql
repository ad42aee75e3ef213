-- before
CREATE LANGUAGE gone HANDLER plpgsql_call_handler;
CREATE LANGUAGE old HANDLER plpgsql_call_handler;
CREATE LANGUAGE changed HANDLER plpgsql_call_handler;
-- after
CREATE LANGUAGE come HANDLER plpgsql_call_handler;
DROP LANGUAGE gone;
ALTER LANGUAGE old RENAME TO new;
CREATE OR REPLACE LANGUAGE changed HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler;
-- expect
language come added safe
language gone dropped breaking
language old renamed breaking
language changed altered cautious
