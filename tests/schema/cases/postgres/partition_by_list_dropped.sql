-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE m_acme PARTITION OF m FOR VALUES IN ('acme');
CREATE TABLE m_rest PARTITION OF m DEFAULT;
CREATE TABLE log (at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE log_rest PARTITION OF log DEFAULT;
-- after
DROP TABLE m_rest;
DROP TABLE m_acme;
DROP TABLE log_rest;
-- expect
partition public.log_rest dropped destructive
partition public.m_acme dropped destructive
partition public.m_rest dropped destructive
