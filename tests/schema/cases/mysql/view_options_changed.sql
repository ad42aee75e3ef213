-- before
CREATE TABLE t (a int);
CREATE SQL SECURITY DEFINER VIEW v AS SELECT a FROM t;
-- after
CREATE OR REPLACE SQL SECURITY INVOKER VIEW v AS SELECT a FROM t;
-- expect
view v altered cautious security
