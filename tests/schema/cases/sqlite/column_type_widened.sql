-- before
CREATE TABLE t (a INT, b VARCHAR(10));
-- after
DROP TABLE t;
CREATE TABLE t (a BIGINT, b TEXT);
-- expect
column t.a altered safe
column t.b altered safe
