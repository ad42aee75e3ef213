-- before
CREATE TABLE t (a INTEGER);
CREATE TABLE u (a INTEGER UNIQUE, CHECK (a > 0));
-- after
DROP TABLE u;
-- expect
table main.u dropped destructive
