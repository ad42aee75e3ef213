-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ROW_FORMAT=COMPRESSED;
-- expect
table t altered cautious
