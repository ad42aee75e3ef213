-- before
CREATE TABLE t (a INTEGER);
CREATE INDEX one ON t (a);
-- after
DROP INDEX one;
CREATE INDEX two ON t (a);
-- expect
index main.t.one renamed safe
