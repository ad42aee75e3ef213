-- What mentions the value is written out in another way; only what somebody else wrote anew is told.
-- before
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s');
CREATE TYPE other AS ENUM ('ok', 'fine');
CREATE TABLE t (a mood DEFAULT 'ok', b mood DEFAULT 'sad', c other DEFAULT 'ok', d mood CHECK (d <> 'it''s'), e text DEFAULT 'ok');
CREATE VIEW v AS SELECT a FROM t WHERE a = 'ok' AND e = 'ok';
CREATE FUNCTION f(x mood DEFAULT 'ok') RETURNS int LANGUAGE sql AS 'SELECT 1';
-- after
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
ALTER TYPE mood RENAME VALUE 'it''s' TO 'ok';
ALTER TABLE t ALTER b SET DEFAULT 'fine', ALTER c SET DEFAULT 'fine';
-- expect
column public.t.b altered cautious
column public.t.c altered cautious
enum public.mood altered breaking
