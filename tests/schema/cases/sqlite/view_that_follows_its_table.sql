-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE VIEW v AS SELECT * FROM t;
-- after
ALTER TABLE t ADD COLUMN c;
-- expect
column t.c added safe
view v altered safe
