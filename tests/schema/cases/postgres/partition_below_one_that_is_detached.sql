-- What is below goes with it, whatever it is called now.
-- before
CREATE TABLE log (at date, t text) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') PARTITION BY LIST (t);
CREATE TABLE log_1_a PARTITION OF log_1 FOR VALUES IN ('a');
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
-- after
ALTER TABLE log DETACH PARTITION log_1;
ALTER TABLE log_1 RENAME TO log_1_old;
-- expect
partition public.log_1 renamed safe
partition public.log_1_a altered safe
partition public.log_1_old altered safe
