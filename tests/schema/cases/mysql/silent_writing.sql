-- The counter of AUTO_INCREMENT moves.
-- before
CREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY, b int);
-- after
INSERT INTO t (b) VALUES (1), (2), (3);
UPDATE t SET b = 9;
DELETE FROM t;
TRUNCATE TABLE t;
ALTER TABLE t AUTO_INCREMENT = 1000;
-- expect
