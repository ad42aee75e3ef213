-- before
CREATE TABLE t (a int);
CREATE USER case_leaver;
GRANT SELECT ON t TO case_leaver;
-- after
DROP USER case_leaver;
-- expect
grant t dropped breaking
