-- before
CREATE SEQUENCE one INCREMENT BY 5;
CREATE TYPE mood AS ENUM ('sad');
CREATE TYPE point AS STRUCT(x INTEGER);
CREATE MACRO half(a) AS a / 2;
-- after
DROP SEQUENCE one;
CREATE SEQUENCE two INCREMENT BY 5;
DROP TYPE mood;
CREATE TYPE temper AS ENUM ('sad');
DROP TYPE point;
CREATE TYPE spot AS STRUCT(x INTEGER);
DROP MACRO half;
CREATE MACRO halved(a) AS a / 2;
-- expect
enum main.mood renamed breaking
macro main.half renamed breaking
sequence main.one renamed breaking
type main.point renamed breaking
