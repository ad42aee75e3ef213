-- before
CREATE TABLE log (at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE late (at date) PARTITION BY RANGE (at);
-- after
DROP TABLE log_1, log_2;
CREATE TABLE late_1 PARTITION OF late FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
-- expect
partitions public.late added safe
partitions public.log dropped destructive
