-- Rotation as pg_partman does it, with a schema for what is old. Who may do what with it stays as it was.
-- before
CREATE SCHEMA archive;
CREATE TABLE log (at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
GRANT SELECT ON log, log_1, log_2 TO PUBLIC;
CREATE TABLE log_3 (at date);
GRANT SELECT ON log_3 TO PUBLIC;
GRANT UPDATE ON log_1, log_3 TO pg_monitor;
-- after
ALTER TABLE log DETACH PARTITION log_1;
ALTER TABLE log_1 SET SCHEMA archive;
ALTER TABLE log ATTACH PARTITION log_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
-- expect
partition public.log_1 renamed safe
partition archive.log_1 altered safe
partition public.log_3 altered safe
