-- The column follows, though nothing was written to its table.
-- before
CREATE SCHEMA types;
CREATE TYPE types.mood AS ENUM ('ok');
CREATE TABLE t (a types.mood);
-- after
ALTER TYPE types.mood RENAME TO state;
-- expect
enum types.mood renamed breaking
