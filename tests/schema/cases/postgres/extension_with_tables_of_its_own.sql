-- What belongs to an extension is the extension's.
-- before
CREATE TABLE t (a int);
-- after
CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE TABLE member (a int);
ALTER EXTENSION hstore ADD TABLE member;
-- expect
extension hstore added safe
extension pg_trgm added safe
