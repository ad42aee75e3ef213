-- before
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY);
-- after
ALTER TABLE t MODIFY id int NOT NULL;
-- expect
column t.id altered breaking
