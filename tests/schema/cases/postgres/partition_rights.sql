-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
GRANT INSERT ON m TO case_bob;
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a');
CREATE TABLE m_b PARTITION OF m FOR VALUES IN ('b');
CREATE TABLE m_c PARTITION OF m FOR VALUES IN ('c');
GRANT UPDATE ON m_c TO case_alice;
-- after
GRANT SELECT ON m_a TO PUBLIC;
GRANT INSERT ON m_b TO case_bob;
GRANT SELECT ON m_b TO case_alice;
REVOKE UPDATE ON m_c FROM case_alice;
-- expect
grant public.m_a added cautious security
grant public.m_b added safe security
grant public.m_c dropped breaking
