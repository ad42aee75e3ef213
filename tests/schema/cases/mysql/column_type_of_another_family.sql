-- before
CREATE TABLE t (a int, b varchar(10), c tinyint(1), d datetime);
-- after
ALTER TABLE t MODIFY a varchar(20), MODIFY b varbinary(10), MODIFY c int, MODIFY d timestamp;
-- expect
column t.a altered breaking
column t.b altered breaking
column t.c altered breaking
column t.d altered breaking
