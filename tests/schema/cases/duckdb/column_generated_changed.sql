-- before
CREATE TABLE t (a INTEGER, g INTEGER GENERATED ALWAYS AS (a * 2));
-- after
CREATE OR REPLACE TABLE t (a INTEGER, g INTEGER GENERATED ALWAYS AS (a * 3));
-- expect
column main.t.g altered breaking
