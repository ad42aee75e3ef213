-- What is inserted without naming columns goes elsewhere; so it does with every column that is added.
-- before
CREATE TABLE t (a int, b int, c int);
-- after
ALTER TABLE t MODIFY c int FIRST;
-- expect
