-- Before anybody draws from it: then it only tells where it stands.
-- before
CREATE SEQUENCE s START 100;
-- after
CREATE OR REPLACE SEQUENCE s START 500;
-- expect
sequence main.s altered cautious
