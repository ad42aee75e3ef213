-- before
CREATE TABLE t (a TEXT, b TEXT UNIQUE);
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT UNIQUE, b TEXT);
-- expect
constraint t.UNIQUE (a) added cautious
constraint t.UNIQUE (b) dropped cautious
