CREATE TABLE ordres2 (id integer REFERENCES nowhere (id));
ALTER TABLE nowhere ADD COLUMN x integer;
CREATE INDEX i ON nowhere (x);
DROP TABLE nowhere;
CREATE VIEW v AS SELECT nothing FROM nowhere;
GRANT SELECT ON nowhere TO somebody;
TRUNCATE nowhere;
COMMENT ON TABLE nowhere IS 'x';
