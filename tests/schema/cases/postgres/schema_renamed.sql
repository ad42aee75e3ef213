-- before
CREATE SCHEMA old;
-- after
ALTER SCHEMA old RENAME TO new;
-- expect
schema old renamed breaking
