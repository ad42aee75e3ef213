-- before
CREATE TABLE t (a int, b int DEFAULT 1, c int DEFAULT 1, d varchar(9) NOT NULL DEFAULT 'x', e date DEFAULT '2026-01-01');
-- after
ALTER TABLE t ALTER a SET DEFAULT 7, ALTER b SET DEFAULT 2, MODIFY c int, ALTER d DROP DEFAULT, MODIFY e date DEFAULT (curdate());
-- expect
column t.a altered safe
column t.b altered cautious
column t.c altered cautious
column t.d altered breaking
column t.e altered cautious
