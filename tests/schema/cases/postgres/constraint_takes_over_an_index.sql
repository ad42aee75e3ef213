-- The index is told with the constraint from then on.
-- before
CREATE TABLE t (a int);
CREATE UNIQUE INDEX once ON t (a);
-- after
ALTER TABLE t ADD CONSTRAINT once UNIQUE USING INDEX once;
-- expect
constraint public.t.once added cautious
index public.t.once dropped cautious
