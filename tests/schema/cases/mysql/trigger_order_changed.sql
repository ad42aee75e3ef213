-- before
CREATE TABLE t (a int);
CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;
CREATE TRIGGER s BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 2;
-- after
DROP TRIGGER s;
CREATE TRIGGER s BEFORE INSERT ON t FOR EACH ROW PRECEDES r SET NEW.a = 2;
-- expect
trigger t.r altered cautious
trigger t.s altered cautious
