-- before
CREATE TABLE t (a INTEGER DEFAULT 1, b TEXT DEFAULT 'x', c INTEGER);
-- after
DROP TABLE t;
CREATE TABLE t (a INTEGER DEFAULT 2, b TEXT, c INTEGER DEFAULT (1 + 1));
-- expect
column t.a altered cautious
column t.b altered cautious
column t.c altered safe
