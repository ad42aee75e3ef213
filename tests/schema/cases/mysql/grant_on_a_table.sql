-- before
CREATE TABLE t (a int, b int);
CREATE USER IF NOT EXISTS case_reader, case_writer;
GRANT SELECT ON t TO case_reader;
-- after
GRANT INSERT (a) ON t TO case_writer;
GRANT SELECT, DELETE ON t TO case_writer WITH GRANT OPTION;
REVOKE SELECT ON t FROM case_reader;
-- expect
grant t altered breaking security
grant t.a added safe security
