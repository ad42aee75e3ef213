-- before
CREATE VIRTUAL TABLE search USING fts5 (body);
-- after
INSERT INTO search VALUES ('some words');
INSERT INTO search (search) VALUES ('optimize');
-- expect
