-- before
CREATE TABLE t (a text) WITH (fillfactor = 90);
CREATE TABLE u (a text);
-- after
ALTER TABLE t SET (fillfactor = 50);
ALTER TABLE u SET (toast.autovacuum_enabled = off);
-- expect
table public.t altered cautious
table public.u altered cautious
