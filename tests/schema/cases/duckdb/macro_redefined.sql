-- before
CREATE MACRO price(a) AS a * 1.19;
CREATE MACRO of(a) AS a;
-- after
CREATE OR REPLACE MACRO price(a) AS a * 1.07;
CREATE OR REPLACE MACRO of(a) AS a, (a, b) AS a + b;
-- expect
macro main.price altered cautious
macro main.of altered cautious
