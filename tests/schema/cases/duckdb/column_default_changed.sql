-- before
CREATE TABLE t (a INTEGER DEFAULT 1, b INTEGER, c INTEGER DEFAULT 3);
-- after
ALTER TABLE t ALTER COLUMN a SET DEFAULT 2;
ALTER TABLE t ALTER COLUMN b SET DEFAULT 2;
ALTER TABLE t ALTER COLUMN c DROP DEFAULT;
-- expect
column main.t.a altered cautious
column main.t.b altered safe
column main.t.c altered cautious
