-- Index, view and trigger follow: they have not changed.
-- before
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
CREATE INDEX i ON t (a) WHERE a > 'm';
CREATE VIEW v AS SELECT a FROM t;
CREATE TRIGGER r AFTER UPDATE OF a ON t BEGIN DELETE FROM t WHERE a = NEW.a; END;
-- after
ALTER TABLE t RENAME COLUMN a TO c;
-- expect
column t.a renamed breaking
