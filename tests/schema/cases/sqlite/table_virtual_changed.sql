-- before
CREATE VIRTUAL TABLE search USING fts5 (body);
-- after
DROP TABLE search;
CREATE VIRTUAL TABLE search USING fts5 (body, title);
-- expect
table search altered cautious
