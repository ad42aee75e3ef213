-- One of its names is a word of SQL.
-- before
CREATE TABLE t (a int);
CREATE INDEX "order" ON t (a);
-- after
ALTER INDEX "order" RENAME TO t_by_a;
-- expect
index public.t.order renamed safe
