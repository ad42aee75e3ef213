-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
-- after
CREATE VIEW v AS SELECT a FROM t;
-- expect
view v added safe
