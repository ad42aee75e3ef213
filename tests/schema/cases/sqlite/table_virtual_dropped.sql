-- before
CREATE TABLE t (a);
CREATE VIRTUAL TABLE search USING fts5 (body);
-- after
DROP TABLE search;
-- expect
table search dropped destructive
