-- before
CREATE TABLE t (a INTEGER, b INTEGER);
CREATE VIEW v AS SELECT a, b FROM t;
-- after
CREATE OR REPLACE VIEW v AS SELECT a FROM t;
-- expect
view main.v altered cautious
