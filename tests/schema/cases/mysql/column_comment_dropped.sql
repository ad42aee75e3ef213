-- before
CREATE TABLE t (a int COMMENT 'it''s old');
-- after
ALTER TABLE t MODIFY a int;
-- expect
comment t.a dropped safe
