-- INTEGER PRIMARY KEY DESC is none, and neither is INT; DESC in a constraint of the table changes nothing.
-- before
CREATE TABLE t (id INTEGER PRIMARY KEY);
CREATE TABLE u (id INTEGER PRIMARY KEY);
CREATE TABLE v (id INTEGER PRIMARY KEY);
-- after
DROP TABLE t;
CREATE TABLE t (id INTEGER PRIMARY KEY DESC);
DROP TABLE u;
CREATE TABLE u (id INT PRIMARY KEY);
DROP TABLE v;
CREATE TABLE v (id INTEGER, PRIMARY KEY (id DESC));
-- expect
column u.id altered safe
constraint t.PRIMARY KEY (id) altered breaking
constraint u.PRIMARY KEY (id) altered breaking
