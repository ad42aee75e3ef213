-- before
CREATE SCHEMA s;
CREATE TABLE s.t (a INTEGER);
CREATE SCHEMA empty;
-- after
DROP SCHEMA s CASCADE;
DROP SCHEMA empty;
-- expect
schema empty dropped destructive
schema s dropped destructive
table s.t dropped destructive
