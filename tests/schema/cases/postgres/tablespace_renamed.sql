-- What is in it is where it was.
-- before
SET allow_in_place_tablespaces = on;
DROP TABLESPACE IF EXISTS case_slow;
DROP TABLESPACE IF EXISTS case_fast;
CREATE TABLESPACE case_fast LOCATION '';
CREATE TABLE t (a int PRIMARY KEY, b int) TABLESPACE case_fast;
CREATE INDEX i ON t (b) TABLESPACE case_fast;
-- after
ALTER TABLESPACE case_fast RENAME TO case_slow;
-- expect
tablespace case_fast renamed safe
