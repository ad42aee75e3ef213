-- before
CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b), UNIQUE (b));
-- after
DROP TABLE t;
CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a COLLATE NOCASE, b DESC), UNIQUE (b COLLATE RTRIM));
-- expect
constraint t.PRIMARY KEY (a, b) altered cautious
constraint t.UNIQUE (b) altered cautious
