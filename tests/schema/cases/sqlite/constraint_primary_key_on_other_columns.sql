-- before
CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a));
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b));
-- expect
constraint t.PRIMARY KEY (a) dropped breaking
constraint t.PRIMARY KEY (a, b) added cautious
