-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a');
CREATE TABLE m_b PARTITION OF m FOR VALUES IN ('b');
ALTER TABLE m_b ENABLE ROW LEVEL SECURITY;
-- after
ALTER TABLE m_a ENABLE ROW LEVEL SECURITY;
ALTER TABLE m_b DISABLE ROW LEVEL SECURITY;
-- expect
partition public.m_a altered breaking
partition public.m_b altered cautious security
