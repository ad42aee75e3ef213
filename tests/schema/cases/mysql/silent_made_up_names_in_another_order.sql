-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (a int, b int, CHECK (a > 0), CHECK (b > 0), FOREIGN KEY (a) REFERENCES p (id), FOREIGN KEY (b) REFERENCES p (id));
-- after
DROP TABLE t;
CREATE TABLE t (a int, b int, CHECK (b > 0), CHECK (a > 0), FOREIGN KEY (b) REFERENCES p (id), FOREIGN KEY (a) REFERENCES p (id));
-- expect
