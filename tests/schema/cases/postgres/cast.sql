-- before
CREATE TYPE a AS (x int);
CREATE TYPE b AS (x int);
CREATE TYPE c AS (x int);
CREATE CAST (a AS text) WITH INOUT;
CREATE CAST (b AS text) WITH INOUT;
-- after
DROP CAST (a AS text);
DROP CAST (b AS text);
CREATE CAST (b AS text) WITH INOUT AS ASSIGNMENT;
CREATE CAST (c AS text) WITH INOUT;
-- expect
cast (public.a AS text) dropped breaking
cast (public.b AS text) altered cautious
cast (public.c AS text) added cautious
