-- Its values can be computed again.
-- before
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- after
ALTER TABLE t DROP COLUMN b;
-- expect
column public.t.b dropped breaking
