-- What mentions the value is written out in another way; only what somebody else wrote anew is told.
-- before
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s');
CREATE TYPE other AS ENUM ('ok', 'fine');
CREATE TABLE t (a mood DEFAULT 'ok', b mood DEFAULT 'sad', c other DEFAULT 'ok', d mood CHECK (d <> 'it''s'), e text DEFAULT 'ok');
CREATE VIEW v AS SELECT a FROM t WHERE a = 'ok' AND e = 'ok';
CREATE TYPE longer AS ENUM ('a', 'b');
CREATE TABLE u (a longer[] DEFAULT '{a,b}', b longer DEFAULT 'a');
CREATE TABLE p (a longer) PARTITION BY LIST (a);
CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');
CREATE FUNCTION f(x mood DEFAULT 'ok') RETURNS int LANGUAGE sql AS 'SELECT 1';
-- after
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
ALTER TYPE mood RENAME VALUE 'it''s' TO 'ok';
ALTER TABLE t ALTER b SET DEFAULT 'fine', ALTER c SET DEFAULT 'fine';
ALTER TYPE longer RENAME VALUE 'a' TO 'z';
ALTER TYPE longer ADD VALUE 'c';
-- expect
column public.t.b altered cautious
column public.t.c altered cautious
enum public.longer altered breaking
enum public.mood altered breaking
