-- before
CREATE TABLE t (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a));
CREATE TABLE u (a int NOT NULL, PRIMARY KEY (a));
CREATE TABLE v (a int NOT NULL);
-- after
ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a, b);
ALTER TABLE u DROP PRIMARY KEY;
ALTER TABLE v ADD PRIMARY KEY (a);
-- expect
constraint t.PRIMARY altered cautious
constraint u.PRIMARY dropped breaking
constraint v.PRIMARY added cautious
