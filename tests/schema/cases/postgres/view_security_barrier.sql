-- before
CREATE TABLE t (a int);
CREATE VIEW v WITH (security_barrier) AS SELECT a FROM t;
-- after
ALTER VIEW v RESET (security_barrier);
-- expect
view public.v altered cautious security
