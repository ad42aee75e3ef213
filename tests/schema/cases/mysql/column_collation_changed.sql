-- before
CREATE TABLE t (a varchar(9) COLLATE utf8mb4_bin, b varchar(9) CHARACTER SET utf8mb3);
-- after
ALTER TABLE t MODIFY a varchar(9) COLLATE utf8mb4_general_ci, MODIFY b varchar(9) CHARACTER SET latin1;
-- expect
column t.a altered cautious
column t.b altered cautious
