-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
-- after
CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET b = 1; END;
-- expect
trigger t.r added cautious
