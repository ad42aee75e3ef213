-- What mentions it follows; only the column has changed.
-- before
CREATE TABLE t (a int PRIMARY KEY, b int, c int GENERATED ALWAYS AS (b + 1) STORED, CONSTRAINT positive CHECK (b > 0));
CREATE UNIQUE INDEX t_b ON t (b) WHERE b > 5;
CREATE TABLE u (t int REFERENCES t (a));
-- after
ALTER TABLE t RENAME COLUMN b TO bee;
ALTER TABLE t RENAME COLUMN a TO "A";
-- expect
column public.t.a renamed breaking
column public.t.b renamed breaking
