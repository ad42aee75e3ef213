-- before
CREATE TABLE t (a varchar(9), b int) CHARACTER SET latin1;
-- after
ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4;
-- expect
column t.a altered cautious
table t altered cautious
