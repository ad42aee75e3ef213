-- That a secret changed is not told either.
-- before
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', password 'one');
CREATE USER MAPPING FOR case_alice SERVER s OPTIONS ("user" 'a', password 'one');
-- after
ALTER SERVER s OPTIONS (SET password 'two', SET host 'g');
ALTER USER MAPPING FOR case_alice SERVER s OPTIONS (SET password 'two');
-- expect
foreign server s altered cautious
