-- before
CREATE TABLE t (a);
-- after
CREATE TEMPORARY TABLE u (a);
CREATE TEMPORARY TABLE t (b);
-- expect
