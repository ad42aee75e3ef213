-- before
CREATE TABLE t (s STRUCT(x INTEGER));
-- after
ALTER TABLE t ADD COLUMN s.y VARCHAR;
-- expect
column main.t.s altered breaking
