-- before
CREATE TABLE t (a varchar(9), b varchar(9));
-- after
ALTER TABLE t ALTER a SET DEFAULT 'NULL', ALTER b SET DEFAULT '';
-- expect
column t.a altered safe
column t.b altered safe
