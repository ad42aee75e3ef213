-- before
CREATE TABLE t (a VARCHAR);
CREATE INDEX by_name ON t (lower(a));
-- after
DROP INDEX by_name;
CREATE INDEX by_name ON t (upper(a));
-- expect
index main.t.by_name altered cautious
