-- before
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE a.t (x int);
CREATE TABLE b.t (x int);
-- after
ALTER TABLE b.t ADD COLUMN y int;
ALTER TABLE a.t DROP COLUMN x;
-- expect
column a.t.x dropped destructive
column b.t.y added safe
