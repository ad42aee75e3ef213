-- before
CREATE TABLE t (a int PRIMARY KEY);
-- after
-- must fail
CREATE TABLE t (b int);
-- must fail
ALTER TABLE t ADD COLUMN a text;
-- must fail
DROP TABLE missing;
-- must fail
CREATE VIEW v AS SELECT missing FROM t;
-- expect
