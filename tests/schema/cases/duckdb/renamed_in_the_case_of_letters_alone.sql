-- Names are the same in whatever letters' case.
-- before
CREATE SCHEMA extra;
CREATE TABLE Orders (ID INTEGER PRIMARY KEY, a TEXT UNIQUE, CHECK (a <> ''));
CREATE TABLE extra.t (a INTEGER);
CREATE VIEW v AS SELECT 1 AS a;
CREATE SEQUENCE s;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS STRUCT(a INTEGER, b INTEGER);
CREATE MACRO one(a) AS a + 1;
-- after
ALTER TABLE Orders RENAME TO other;
ALTER TABLE other RENAME TO orders;
ALTER TABLE extra.t RENAME COLUMN a TO A;
DROP VIEW v;
CREATE VIEW V AS SELECT 1 AS a;
DROP SEQUENCE s;
CREATE SEQUENCE S;
DROP TYPE mood;
CREATE TYPE Mood AS ENUM ('sad', 'ok');
DROP TYPE pair;
CREATE TYPE Pair AS STRUCT(a INTEGER, b INTEGER);
DROP MACRO one;
CREATE MACRO One(a) AS a + 1;
-- expect
column extra.t.a renamed safe
enum main.mood renamed safe
macro main.one renamed safe
sequence main.s renamed safe
table main.Orders renamed safe
type main.pair renamed safe
view main.v renamed safe
