-- before
CREATE SEQUENCE s;
-- after
CREATE OR REPLACE SEQUENCE s INCREMENT BY 10 CYCLE MAXVALUE 1000;
-- expect
sequence main.s altered cautious
