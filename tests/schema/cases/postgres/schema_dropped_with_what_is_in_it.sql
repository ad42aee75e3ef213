-- before
CREATE SCHEMA old;
CREATE TABLE old.t (a int);
CREATE VIEW old.v AS SELECT a FROM old.t;
-- after
DROP SCHEMA old CASCADE;
-- expect
schema old dropped destructive
table old.t dropped destructive
view old.v dropped breaking
