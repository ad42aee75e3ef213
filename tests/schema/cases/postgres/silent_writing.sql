-- before
CREATE TABLE t (id serial, a int);
CREATE SEQUENCE s;
-- after
INSERT INTO t (a) SELECT generate_series(1, 100);
UPDATE t SET a = 2;
DELETE FROM t WHERE id > 50;
TRUNCATE t RESTART IDENTITY;
SELECT nextval('s'), setval('s', 1000);
-- expect
