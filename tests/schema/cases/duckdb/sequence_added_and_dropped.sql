-- before
CREATE SEQUENCE one;
-- after
DROP SEQUENCE one;
CREATE SEQUENCE two INCREMENT BY 7;
-- expect
sequence main.one dropped breaking
sequence main.two added safe
