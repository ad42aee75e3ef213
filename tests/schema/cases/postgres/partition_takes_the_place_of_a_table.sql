-- The usual way to partition a table that is in use.
-- before
CREATE TABLE ev (at date, n int);
-- after
ALTER TABLE ev RENAME TO ev_old;
CREATE TABLE ev (at date, n int) PARTITION BY RANGE (at);
ALTER TABLE ev ATTACH PARTITION ev_old FOR VALUES FROM (MINVALUE) TO ('2026-02-01');
-- expect
partition public.ev renamed breaking
partition public.ev_old altered safe
table public.ev added safe
