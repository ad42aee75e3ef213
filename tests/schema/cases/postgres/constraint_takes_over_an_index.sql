-- The index is told with the constraint from then on: duplicates are refused before and after.
-- before
CREATE TABLE t (a int, b int NOT NULL, c int);
CREATE UNIQUE INDEX once ON t (a);
CREATE UNIQUE INDEX key ON t (b);
CREATE UNIQUE INDEX gone ON t (c);
-- after
ALTER TABLE t ADD CONSTRAINT single UNIQUE USING INDEX once;
ALTER TABLE t ADD PRIMARY KEY USING INDEX key;
DROP INDEX gone;
-- expect
constraint public.t.key added safe
constraint public.t.single added safe
index public.t.gone dropped cautious
index public.t.key dropped safe
index public.t.once dropped safe
