-- before
CREATE TABLE t (a INTEGER, b VARCHAR DEFAULT 'x');
-- after
ALTER TABLE t RENAME TO u;
-- expect
table main.t renamed breaking
