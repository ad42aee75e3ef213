-- A partition is told by its parent.
-- before
SELECT 1;
-- after
CREATE TABLE log (at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
-- expect
table public.log added safe
