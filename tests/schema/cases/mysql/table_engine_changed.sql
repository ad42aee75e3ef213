-- before
CREATE TABLE t (a int) ENGINE=InnoDB;
-- after
ALTER TABLE t ENGINE=MyISAM;
-- expect
table t altered cautious
