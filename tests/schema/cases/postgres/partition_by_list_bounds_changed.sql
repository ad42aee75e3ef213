-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE m_acme PARTITION OF m FOR VALUES IN ('acme');
CREATE TABLE m_b PARTITION OF m FOR VALUES IN ('b');
CREATE TABLE n (t text) PARTITION BY LIST (t);
CREATE TABLE m_c PARTITION OF m FOR VALUES IN ('c');
-- after
ALTER TABLE m DETACH PARTITION m_acme;
ALTER TABLE m ATTACH PARTITION m_acme FOR VALUES IN ('acme', 'zoo');
ALTER TABLE m DETACH PARTITION m_b;
ALTER TABLE n ATTACH PARTITION m_b FOR VALUES IN ('b');
ALTER TABLE m_c RENAME TO m_see;
-- expect
partition public.m_acme altered breaking
partition public.m_b altered breaking
partition public.m_c renamed breaking
