-- before
CREATE MACRO add_one(a) AS a + 1;
CREATE MACRO rows_of(n) AS TABLE SELECT * FROM range(n);
-- after
DROP MACRO add_one;
DROP MACRO TABLE rows_of;
CREATE MACRO half(a) AS a / 2;
-- expect
macro main.add_one dropped breaking
macro main.rows_of dropped breaking
macro main.half added safe
