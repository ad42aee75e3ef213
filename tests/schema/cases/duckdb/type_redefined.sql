-- before
CREATE TYPE point AS STRUCT(x INTEGER, y INTEGER);
CREATE TYPE other AS INTEGER;
-- after
DROP TYPE point;
CREATE TYPE point AS STRUCT(x DOUBLE, y DOUBLE);
DROP TYPE other;
CREATE TYPE fresh AS VARCHAR;
-- expect
type main.point altered breaking
type main.other dropped breaking
type main.fresh added safe
