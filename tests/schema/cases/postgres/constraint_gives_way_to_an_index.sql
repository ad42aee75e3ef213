-- before
CREATE TABLE t (a int CONSTRAINT once UNIQUE);
-- after
CREATE UNIQUE INDEX still ON t (a);
ALTER TABLE t DROP CONSTRAINT once;
-- expect
constraint public.t.once dropped cautious
index public.t.still added safe
