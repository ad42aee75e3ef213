-- before
CREATE SCHEMA extra;
CREATE TABLE extra.t (a INTEGER);
-- after
DROP SCHEMA extra CASCADE;
CREATE SCHEMA Extra;
CREATE TABLE Extra.t (a INTEGER);
-- expect
schema extra renamed safe
