-- A partition of a list takes its rows with it; those of a partition that is divided stay.
-- before
CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1, 2), PARTITION q VALUES IN (3), PARTITION r VALUES IN (4));
CREATE TABLE u (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1, 2), PARTITION q VALUES IN (3));
-- after
ALTER TABLE t DROP PARTITION q;
ALTER TABLE u REORGANIZE PARTITION p INTO (PARTITION p1 VALUES IN (1), PARTITION p2 VALUES IN (2));
-- expect
table t altered destructive
table u altered cautious
