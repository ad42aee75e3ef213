-- before
CREATE MACRO price(a, tax := 1.19) AS a * tax;
CREATE MACRO rows(n := 3) AS TABLE SELECT * FROM range(n);
CREATE MACRO typed(a INTEGER) AS a + 1;
-- after
CREATE OR REPLACE MACRO price(a, tax := 1.07) AS a * tax;
CREATE OR REPLACE MACRO rows(n := 4) AS TABLE SELECT * FROM range(n);
CREATE OR REPLACE MACRO typed(a BIGINT) AS a + 1;
-- expect
macro main.price altered cautious
macro main.rows altered cautious
macro main.typed altered cautious
