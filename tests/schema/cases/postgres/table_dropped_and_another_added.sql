-- Two tables with nothing in common but the moment.
-- before
CREATE TABLE a (x int);
-- after
DROP TABLE a;
CREATE TABLE b (x int);
-- expect
table public.a dropped destructive
table public.b added safe
