-- before
CREATE TABLE t (a int, b int);
CREATE TABLE u (a int);
-- after
ALTER TABLE t DROP COLUMN b, ADD COLUMN c text, MODIFY a bigint, ADD KEY k (a);
DROP TABLE u;
CREATE TABLE w (z varchar(9));
-- expect
column t.a altered safe
column t.b dropped destructive
column t.c added safe
index t.k added safe
table u dropped destructive
table w added safe
