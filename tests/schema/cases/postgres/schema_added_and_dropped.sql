-- before
CREATE SCHEMA old;
-- after
CREATE SCHEMA new;
DROP SCHEMA old;
-- expect
schema new added safe
schema old dropped destructive
