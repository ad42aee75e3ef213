-- before
CREATE TABLE t (a int, b int);
CREATE STATISTICS gone ON a, b FROM t;
CREATE STATISTICS old ON a, b FROM t;
CREATE STATISTICS changed ON a, b FROM t;
CREATE STATISTICS owned ON a, b FROM t;
-- after
CREATE STATISTICS come (ndistinct) ON a, b FROM t;
DROP STATISTICS gone;
ALTER STATISTICS old RENAME TO new;
ALTER STATISTICS changed SET STATISTICS 50;
ALTER STATISTICS owned OWNER TO pg_monitor;
-- expect
statistics public.t.come added safe
statistics public.t.gone dropped cautious
statistics public.t.old renamed safe
statistics public.t.changed altered cautious
statistics public.t.owned altered safe
