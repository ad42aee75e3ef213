-- before
CREATE TABLE t (a int);
-- after
COMMENT ON TABLE t IS 'a table';
COMMENT ON COLUMN t.a IS 'a column';
-- expect
