-- MariaDB only.
-- before
CREATE SEQUENCE s START 5;
CREATE SEQUENCE d MAXVALUE 9;
-- after
ALTER SEQUENCE s MAXVALUE 1000 CYCLE;
DROP SEQUENCE d;
CREATE SEQUENCE a;
-- expect
sequence a added safe
sequence d dropped breaking
sequence s altered cautious
