-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET b = 1; END;
-- after
DROP TRIGGER r;
-- expect
trigger t.r dropped cautious
