-- What mentions the value is written out in another way.
-- before
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (a mood DEFAULT 'ok');
-- after
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
-- expect
column public.t.a altered cautious
enum public.mood altered breaking
