-- Rights that come with the change are told; those that it had, of its own or of its table, are not.
-- before
CREATE TABLE l (n int) PARTITION BY RANGE (n);
CREATE TABLE l1 PARTITION OF l FOR VALUES FROM (1) TO (2);
CREATE TABLE l2 PARTITION OF l FOR VALUES FROM (2) TO (3);
CREATE TABLE own (n int);
GRANT SELECT ON l, l1, own TO pg_monitor;
GRANT UPDATE ON l1, own TO pg_signal_backend;
-- after
ALTER TABLE l DETACH PARTITION l1;
ALTER TABLE l ATTACH PARTITION own FOR VALUES FROM (3) TO (4);
GRANT INSERT ON l1, own TO PUBLIC;
ALTER TABLE l1 OWNER TO pg_read_all_stats;
-- expect
grant public.l1 altered cautious security
grant public.own altered cautious security
owner public.l1 altered cautious security
partition public.l1 altered safe
partition public.own altered safe
