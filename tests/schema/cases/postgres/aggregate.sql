-- before
CREATE AGGREGATE gone(int) (SFUNC = int4pl, STYPE = int);
CREATE AGGREGATE old(int) (SFUNC = int4pl, STYPE = int);
CREATE AGGREGATE changed(int) (SFUNC = int4pl, STYPE = int);
-- after
CREATE AGGREGATE come(int) (SFUNC = int4pl, STYPE = int);
DROP AGGREGATE gone(int);
ALTER AGGREGATE old(int) RENAME TO new;
CREATE OR REPLACE AGGREGATE changed(int) (SFUNC = int4mul, STYPE = int);
-- expect
aggregate public.come(integer) added safe
aggregate public.gone(integer) dropped breaking
aggregate public.old(integer) renamed breaking
aggregate public.changed(integer) altered cautious
