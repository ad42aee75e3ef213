-- before
CREATE LANGUAGE one HANDLER plpgsql_call_handler;
CREATE LANGUAGE two HANDLER plpgsql_call_handler;
CREATE LANGUAGE three HANDLER plpgsql_call_handler;
CREATE TRANSFORM FOR int LANGUAGE one (FROM SQL WITH FUNCTION prsd_lextype(internal));
CREATE TRANSFORM FOR int LANGUAGE two (FROM SQL WITH FUNCTION prsd_lextype(internal));
-- after
DROP TRANSFORM FOR int LANGUAGE one;
CREATE OR REPLACE TRANSFORM FOR int LANGUAGE two (FROM SQL WITH FUNCTION dsimple_init(internal));
CREATE TRANSFORM FOR int LANGUAGE three (FROM SQL WITH FUNCTION prsd_lextype(internal));
-- expect
transform FOR integer LANGUAGE one dropped breaking
transform FOR integer LANGUAGE two altered cautious
transform FOR integer LANGUAGE three added safe
