-- It is NOT NULL, but the server fills it.
-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t ADD COLUMN id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY;
-- expect
column t.id added safe
constraint t.PRIMARY added cautious
