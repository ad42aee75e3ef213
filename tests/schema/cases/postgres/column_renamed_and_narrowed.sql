-- before
CREATE TABLE t (a bigint);
-- after
ALTER TABLE t RENAME COLUMN a TO b;
ALTER TABLE t ALTER COLUMN b TYPE int;
-- expect
column public.t.a renamed breaking
column public.t.b altered cautious
