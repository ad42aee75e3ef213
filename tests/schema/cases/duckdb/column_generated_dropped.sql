-- before
CREATE TABLE t (a INTEGER, g INTEGER GENERATED ALWAYS AS (a * 2));
-- after
ALTER TABLE t DROP COLUMN g;
-- expect
column main.t.g dropped breaking
