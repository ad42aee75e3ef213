-- before
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- after
ALTER TABLE t ALTER COLUMN b DROP EXPRESSION;
-- expect
column public.t.b altered breaking
