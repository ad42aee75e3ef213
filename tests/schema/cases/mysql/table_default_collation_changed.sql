-- The columns that there are keep theirs.
-- before
CREATE TABLE t (a varchar(9));
-- after
ALTER TABLE t DEFAULT CHARACTER SET latin1;
-- expect
table t altered cautious
