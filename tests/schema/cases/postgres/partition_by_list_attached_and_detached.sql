-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a');
CREATE TABLE m_b (t text);
-- after
ALTER TABLE m DETACH PARTITION m_a;
ALTER TABLE m ATTACH PARTITION m_b FOR VALUES IN ('b');
-- expect
partition public.m_a altered cautious
partition public.m_b altered safe
