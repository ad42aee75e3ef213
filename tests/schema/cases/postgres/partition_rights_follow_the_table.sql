-- What a partition has of its own only because its table is another's, or is granted otherwise, the table tells.
-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a');
GRANT SELECT ON m, m_a TO case_bob;
-- after
ALTER TABLE m OWNER TO case_alice;
REVOKE SELECT ON m FROM case_bob;
-- expect
grant public.m dropped breaking
owner public.m altered cautious security
