-- What a list does not name is refused.
-- before
CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1, 2));
-- after
ALTER TABLE t ADD PARTITION (PARTITION q VALUES IN (3));
-- expect
table t altered cautious
