-- before
DROP ROLE IF EXISTS case_elsewhere;
DROP ROLE IF EXISTS case_far_away;
CREATE TABLE t (a int);
-- after
CREATE ROLE case_elsewhere;
ALTER ROLE case_elsewhere RENAME TO case_far_away;
ALTER ROLE case_far_away CONNECTION LIMIT 3;
DROP ROLE case_far_away;
