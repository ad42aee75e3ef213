-- before
CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x', CHECK (a > 0));
CREATE INDEX t_b ON t (b);
-- after
DROP TABLE t;
CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x', CHECK (a > 0));
CREATE INDEX t_b ON t (b);
-- expect
