-- before
CREATE TABLE t (a INTEGER);
-- after
CREATE TABLE u (a INTEGER PRIMARY KEY, b VARCHAR);
CREATE SCHEMA s;
CREATE TABLE s.v (a INTEGER);
-- expect
table main.u added safe
schema s added safe
table s.v added safe
