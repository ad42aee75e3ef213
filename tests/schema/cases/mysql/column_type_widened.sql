-- before
CREATE TABLE t (a int, b varchar(10), c decimal(8,2), d enum('a','b'), e datetime, f int unsigned, g text, h float);
-- after
ALTER TABLE t MODIFY a bigint, MODIFY b varchar(300), MODIFY c decimal(10,2), MODIFY d enum('a','b','c'), MODIFY e datetime(3), MODIFY f bigint, MODIFY g longtext, MODIFY h double;
-- expect
column t.a altered safe
column t.b altered safe
column t.c altered safe
column t.d altered safe
column t.e altered safe
column t.f altered safe
column t.g altered safe
column t.h altered safe
