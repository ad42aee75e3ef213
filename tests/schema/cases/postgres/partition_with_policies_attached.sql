-- Policies of a partition hold back only who names it.
-- before
CREATE TABLE l (n int) PARTITION BY RANGE (n);
CREATE TABLE l1 PARTITION OF l FOR VALUES FROM (1) TO (2);
CREATE TABLE own (n int);
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
-- after
ALTER TABLE l ATTACH PARTITION own FOR VALUES FROM (3) TO (4);
-- expect
partition public.own altered cautious security
