-- Its place among the columns is no part of the schema.
-- before
CREATE TABLE t (a int, b text);
-- after
ALTER TABLE t DROP COLUMN a;
ALTER TABLE t ADD COLUMN a int;
-- expect
