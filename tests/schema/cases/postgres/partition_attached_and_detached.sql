-- A table that becomes a partition by range is not gone, and one that was a partition is not new: rotation, not drift.
-- before
CREATE TABLE log (at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE log_2 (at date);
CREATE INDEX ON log_2 (at);
-- after
ALTER TABLE log DETACH PARTITION log_1;
ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
-- expect
partition public.log_1 altered safe
partition public.log_2 altered safe
