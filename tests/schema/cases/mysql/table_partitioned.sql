-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t PARTITION BY HASH (a) PARTITIONS 3;
-- expect
table t altered cautious
