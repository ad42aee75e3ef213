-- before
CREATE TABLE cache (k int PRIMARY KEY);
-- after
ALTER TABLE cache SET UNLOGGED;
-- expect
table public.cache altered cautious
