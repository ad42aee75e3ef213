-- before
CREATE TABLE t (a INTEGER, b INTEGER CHECK (CAST(b AS TEXT) <> ')') /* AS ( */ AS (a * 2) STORED);
-- after
DROP TABLE t;
CREATE TABLE t (a INTEGER, b INTEGER CHECK (CAST(b AS TEXT) <> ')') /* AS ( */ AS (a * 3) STORED);
-- expect
column t.b altered breaking
