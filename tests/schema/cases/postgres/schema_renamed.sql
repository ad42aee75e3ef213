-- What is in it is in it under its new name, and what mentions it says so in the new words.
-- before
CREATE SCHEMA old;
CREATE TYPE old.mood AS ENUM ('ok');
CREATE TABLE old.t (id int PRIMARY KEY, m old.mood DEFAULT 'ok');
CREATE FUNCTION old.f(m old.mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT id, old.f(m) AS f FROM old.t;
CREATE CAST (old.t AS text) WITH INOUT;
GRANT USAGE ON SCHEMA old TO case_bob;
ALTER DEFAULT PRIVILEGES IN SCHEMA old GRANT SELECT ON TABLES TO case_bob;
-- after
ALTER SCHEMA old RENAME TO new;
-- expect
schema old renamed breaking
