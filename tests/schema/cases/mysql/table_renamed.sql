-- What mentions it follows.
-- before
CREATE TABLE t (a int PRIMARY KEY, b int, CONSTRAINT positive CHECK (b > 0), KEY (b));
CREATE TABLE u (t int, CONSTRAINT to_t FOREIGN KEY (t) REFERENCES t (a));
-- after
RENAME TABLE t TO orders;
-- expect
table t renamed breaking
