-- before
CREATE TABLE t (a int DEFAULT 1, b int NOT NULL DEFAULT 1);
-- after
ALTER TABLE t ALTER COLUMN a DROP DEFAULT, ALTER COLUMN b DROP DEFAULT;
-- expect
column public.t.a altered cautious
column public.t.b altered breaking
