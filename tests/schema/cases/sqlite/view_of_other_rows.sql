-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE VIEW v AS SELECT a FROM t;
-- after
DROP VIEW v;
CREATE VIEW v AS SELECT a FROM t WHERE b > 0;
-- expect
view v altered cautious
