-- before
CREATE TABLE t (a int PRIMARY KEY) ENGINE=InnoDB;
-- after
ALTER TABLE t ENGINE=InnoDB;
ALTER TABLE t FORCE;
-- expect
