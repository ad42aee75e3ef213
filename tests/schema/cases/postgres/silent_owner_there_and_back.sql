-- before
CREATE TABLE t (a int);
-- after
ALTER TABLE t OWNER TO case_alice;
ALTER TABLE t OWNER TO postgres;
-- expect
