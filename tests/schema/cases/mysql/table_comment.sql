-- before
CREATE TABLE t (a int COMMENT 'old', b int) COMMENT 'old';
-- after
ALTER TABLE t COMMENT 'new', MODIFY a int COMMENT 'new', MODIFY b int COMMENT 'came';
-- expect
comment t altered safe
comment t.a altered safe
comment t.b added safe
