-- before
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a, b FROM t;
CREATE VIEW x AS SELECT a FROM t;
-- after
ALTER VIEW v AS SELECT a FROM t WHERE a > 0;
CREATE OR REPLACE VIEW w AS SELECT a FROM t;
CREATE OR REPLACE VIEW x AS SELECT a, b FROM t;
-- expect
view v altered cautious
view w altered breaking
view x altered cautious
