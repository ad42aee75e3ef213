-- Its shadow tables are its own business.
-- before
CREATE TABLE t (a);
-- after
CREATE VIRTUAL TABLE search USING fts5 (body);
-- expect
table search added safe
