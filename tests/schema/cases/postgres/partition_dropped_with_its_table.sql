-- before
CREATE TABLE m (t text, n int) PARTITION BY LIST (t);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a') PARTITION BY LIST (n);
CREATE TABLE m_a_1 PARTITION OF m_a FOR VALUES IN (1);
CREATE TABLE log (at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
-- after
DROP TABLE m, log;
-- expect
table public.log dropped destructive
table public.m dropped destructive
