-- before
CREATE TABLE t (a int);
CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;
-- after
DROP TRIGGER r;
CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.a = 2; END;
-- expect
trigger t.r altered cautious
