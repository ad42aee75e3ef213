-- before
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a FROM t;
-- after
CREATE OR REPLACE VIEW v AS SELECT a, b FROM t;
-- expect
view public.v altered cautious
