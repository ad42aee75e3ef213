-- before
CREATE TABLE t (a int, b int NOT NULL);
-- after
ALTER TABLE t MODIFY a int NOT NULL, MODIFY b int;
-- expect
column t.a altered cautious
column t.b altered breaking
