-- before
CREATE TABLE t (a bigint, b varchar(300), c decimal(8,2), d enum('a','b','c'), e datetime(3), f int, g text, h double, i binary(4));
-- after
ALTER TABLE t MODIFY a int, MODIFY b varchar(30), MODIFY c decimal(8,4), MODIFY d enum('b','c'), MODIFY e datetime, MODIFY f int unsigned, MODIFY g varchar(100), MODIFY h float, MODIFY i binary(8);
-- expect
column t.a altered cautious
column t.b altered cautious
column t.c altered cautious
column t.d altered cautious
column t.e altered cautious
column t.f altered cautious
column t.g altered cautious
column t.h altered cautious
column t.i altered cautious
