-- before
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE PUBLICATION gone FOR TABLE t;
CREATE PUBLICATION old FOR TABLE t;
CREATE PUBLICATION changed FOR TABLE t;
CREATE PUBLICATION more FOR TABLE t;
CREATE PUBLICATION less FOR TABLE t, u;
-- after
CREATE PUBLICATION come FOR ALL TABLES;
DROP PUBLICATION gone;
ALTER PUBLICATION old RENAME TO new;
ALTER PUBLICATION changed SET (publish = 'insert');
ALTER PUBLICATION more ADD TABLE u;
ALTER PUBLICATION less DROP TABLE u;
-- expect
publication come added safe
publication gone dropped breaking
publication old renamed breaking
publication changed altered cautious
publication more altered cautious
publication less altered breaking
