-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT UNIQUE, c TEXT, UNIQUE (b, c));
-- after
DROP TABLE t;
CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT NOT NULL ON CONFLICT IGNORE, b TEXT UNIQUE ON CONFLICT FAIL, c TEXT, UNIQUE (b, c) ON CONFLICT ROLLBACK);
-- expect
column t.a altered cautious
constraint t.PRIMARY KEY (id) altered cautious
constraint t.UNIQUE (b) altered cautious
constraint t.UNIQUE (b, c) altered cautious
