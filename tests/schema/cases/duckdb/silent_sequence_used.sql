-- before
CREATE SEQUENCE s;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE p (id INTEGER PRIMARY KEY DEFAULT nextval('s'), m mood, name VARCHAR COLLATE nocase NOT NULL, g INTEGER GENERATED ALWAYS AS (id * 2), UNIQUE (name), CHECK (id > 0));
CREATE TABLE c (p INTEGER REFERENCES p (id), made TIMESTAMPTZ DEFAULT now());
CREATE INDEX c_made ON c (made);
CREATE VIEW v AS SELECT id, name FROM p WHERE id > 3;
CREATE MACRO one(a) AS a + 1;
CREATE TRIGGER tr AFTER INSERT ON c FOR EACH STATEMENT INSERT INTO p (name) VALUES ('x');
COMMENT ON TABLE p IS 'people';
INSERT INTO p (m, name) VALUES ('sad', 'Ann');
-- after
SELECT nextval('s');
SELECT nextval('s');
REOPEN;
SELECT nextval('s');
CHECKPOINT;
-- expect
