-- Constraints are called after what they are about: they follow, and have not changed.
-- before
CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT UNIQUE);
CREATE TABLE r (id INTEGER PRIMARY KEY, b TEXT);
CREATE TABLE c (b TEXT REFERENCES p (a) CHECK (b <> ''), r INTEGER REFERENCES r DEFERRABLE INITIALLY DEFERRED);
-- after
ALTER TABLE p RENAME COLUMN a TO x;
ALTER TABLE c RENAME COLUMN b TO y;
ALTER TABLE r RENAME TO s;
-- expect
column c.b renamed breaking
column p.a renamed breaking
table r renamed breaking
