-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE VIEW v AS SELECT a FROM t;
-- after
DROP VIEW v;
CREATE VIEW w AS SELECT a FROM t;
-- expect
view v renamed breaking
