-- before
CREATE TABLE t (a int);
CREATE USER IF NOT EXISTS case_owner;
-- after
SET @sql = CONCAT('GRANT ALL ON ', DATABASE(), '.* TO case_owner');
PREPARE s FROM @sql;
EXECUTE s;
-- expect
grant database added safe security
