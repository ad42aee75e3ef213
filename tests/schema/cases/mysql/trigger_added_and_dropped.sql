-- before
CREATE TABLE t (a int);
CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;
-- after
DROP TRIGGER r;
CREATE TRIGGER s AFTER UPDATE ON t FOR EACH ROW SET @a = 1;
-- expect
trigger t.r dropped cautious
trigger t.s added cautious
