-- before
CREATE TABLE t (a int CONSTRAINT k PRIMARY KEY);
-- after
ALTER INDEX k SET (fillfactor = 50);
-- expect
constraint public.t.k altered cautious
