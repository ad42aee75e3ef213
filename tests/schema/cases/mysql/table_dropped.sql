-- before
CREATE TABLE t (a int PRIMARY KEY, b int, KEY (b));
CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;
-- after
DROP TABLE t;
-- expect
table t dropped destructive
