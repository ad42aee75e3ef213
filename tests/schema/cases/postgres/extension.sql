-- before
CREATE SCHEMA old;
CREATE SCHEMA new;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm SCHEMA old;
CREATE EXTENSION citext VERSION '1.4';
-- after
DROP EXTENSION hstore;
ALTER EXTENSION pg_trgm SET SCHEMA new;
ALTER EXTENSION citext UPDATE;
CREATE EXTENSION fuzzystrmatch;
-- expect
extension hstore dropped breaking
extension pg_trgm altered breaking
extension citext altered cautious
extension fuzzystrmatch added safe
