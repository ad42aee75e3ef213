-- before
CREATE TABLE t (a int);
-- after
CREATE TEMPORARY TABLE u (a int PRIMARY KEY);
CREATE INDEX ON u (a);
DROP TABLE u;
CREATE TEMPORARY TABLE t (b int);
-- expect
