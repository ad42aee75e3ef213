-- before
CREATE TABLE t (a INTEGER, email VARCHAR);
-- after
ALTER TABLE t RENAME COLUMN email TO mail;
-- expect
column main.t.email renamed breaking
