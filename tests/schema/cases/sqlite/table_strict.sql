-- before
CREATE TABLE t (a TEXT);
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT) STRICT;
-- expect
table t altered cautious
