-- before
CREATE TABLE t (id INTEGER PRIMARY KEY DESC);
-- after
DROP TABLE t;
CREATE TABLE t (id INTEGER PRIMARY KEY);
-- expect
constraint t.PRIMARY KEY (id) altered cautious
