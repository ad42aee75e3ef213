-- before
CREATE TABLE t (a int, b timestamp NULL, c int);
-- after
ALTER TABLE t MODIFY a int INVISIBLE, MODIFY b timestamp NULL ON UPDATE CURRENT_TIMESTAMP;
-- expect
column t.a altered breaking
column t.b altered cautious
