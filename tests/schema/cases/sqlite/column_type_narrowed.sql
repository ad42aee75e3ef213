-- before
CREATE TABLE t (a BIGINT, b DECIMAL(10, 4));
-- after
DROP TABLE t;
CREATE TABLE t (a INT, b DECIMAL(10, 2));
-- expect
column t.a altered cautious
column t.b altered cautious
