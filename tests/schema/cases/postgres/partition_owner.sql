-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a');
CREATE TABLE m_b PARTITION OF m FOR VALUES IN ('b');
ALTER TABLE m_b OWNER TO case_alice;
-- after
ALTER TABLE m_a OWNER TO case_alice;
ALTER TABLE m_b OWNER TO postgres;
-- expect
owner public.m_a added cautious security
owner public.m_b dropped cautious security
