-- What its table allows says nothing of what it allows itself.
-- before
CREATE TABLE l (n int) PARTITION BY LIST (n);
CREATE TABLE l1 PARTITION OF l FOR VALUES IN (1);
CREATE TABLE l2 PARTITION OF l FOR VALUES IN (2);
CREATE TABLE l3 PARTITION OF l FOR VALUES IN (3);
GRANT SELECT ON l, l3 TO pg_signal_backend;
-- after
GRANT SELECT ON l TO pg_monitor;
REVOKE SELECT ON l FROM pg_signal_backend;
GRANT ALL ON l1 TO PUBLIC;
ALTER TABLE l OWNER TO pg_read_all_stats;
ALTER TABLE l1 OWNER TO pg_read_all_settings;
ALTER TABLE l2 OWNER TO pg_read_all_stats;
-- expect
grant public.l altered breaking security
grant public.l1 added cautious security
owner public.l altered cautious security
owner public.l1 added cautious security
