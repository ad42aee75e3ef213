-- before
CREATE TABLE t (a int NOT NULL);
CREATE UNIQUE INDEX i ON t (a);
-- after
ALTER TABLE t REPLICA IDENTITY USING INDEX i;
-- expect
table public.t altered cautious
