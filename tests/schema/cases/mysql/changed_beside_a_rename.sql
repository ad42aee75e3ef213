-- The server writes nothing anew but the table's own expressions and the keys that lead to it: all else somebody has changed.
-- MariaDB only: MySQL renames no column that a constraint or another column uses.
-- before
CREATE TABLE t (a int PRIMARY KEY, b varchar(20), n int, c int AS (n + 1), CHECK (b <> 'n'), CONSTRAINT positive CHECK (n > 0));
CREATE TABLE u (t int, CONSTRAINT to_t FOREIGN KEY (t) REFERENCES t (a));
CREATE TABLE old_1 (a int, n int, d int);
CREATE TABLE old_2 (a int, n int, d int);
CREATE TABLE old (a int, e int);
CREATE TABLE other (k varchar(20) DEFAULT 'n');
CREATE VIEW v AS SELECT old_1.n AS x FROM old_1;
CREATE VIEW w AS SELECT a FROM old_1;
CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN (SELECT max(n) FROM t);
CREATE TRIGGER g BEFORE INSERT ON old_1 FOR EACH ROW DELETE FROM old WHERE a = 1;
-- after
ALTER TABLE t RENAME COLUMN n TO d;
ALTER TABLE t RENAME COLUMN a TO id;
RENAME TABLE old TO archive;
ALTER TABLE other ALTER k SET DEFAULT 'd';
CREATE OR REPLACE VIEW v AS SELECT old_1.d AS x FROM old_1;
CREATE OR REPLACE VIEW w AS SELECT a FROM old_2;
DROP FUNCTION f;
CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN (SELECT max(d) FROM t);
DROP TRIGGER g;
CREATE TRIGGER g BEFORE INSERT ON old_1 FOR EACH ROW DELETE FROM archive WHERE a = 1;
-- expect
column other.k altered cautious
column t.a renamed breaking
column t.n renamed breaking
function f altered cautious
table old renamed breaking
trigger old_1.g altered cautious
view v altered cautious
view w altered cautious
