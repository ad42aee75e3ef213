-- before
CREATE FOREIGN DATA WRAPPER gone;
CREATE FOREIGN DATA WRAPPER old;
CREATE FOREIGN DATA WRAPPER changed;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s_gone FOREIGN DATA WRAPPER w;
CREATE SERVER s_old FOREIGN DATA WRAPPER w;
CREATE SERVER s_changed FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR case_alice SERVER s;
CREATE USER MAPPING FOR case_bob SERVER s OPTIONS ("user" 'b');
-- after
CREATE FOREIGN DATA WRAPPER come;
DROP FOREIGN DATA WRAPPER gone;
ALTER FOREIGN DATA WRAPPER old RENAME TO new;
ALTER FOREIGN DATA WRAPPER changed OPTIONS (ADD place 'x');
CREATE SERVER s_come FOREIGN DATA WRAPPER w;
DROP SERVER s_gone;
ALTER SERVER s_old RENAME TO s_new;
ALTER SERVER s_changed OPTIONS (ADD host 'there');
DROP USER MAPPING FOR case_alice SERVER s;
ALTER USER MAPPING FOR case_bob SERVER s OPTIONS (SET "user" 'c');
CREATE USER MAPPING FOR PUBLIC SERVER s;
-- expect
foreign data wrapper come added safe
foreign data wrapper gone dropped breaking
foreign data wrapper old renamed breaking
foreign data wrapper changed altered cautious
foreign server s_come added safe
foreign server s_gone dropped breaking
foreign server s_old renamed breaking
foreign server s_changed altered cautious
user mapping case_alice SERVER s dropped breaking
user mapping case_bob SERVER s altered cautious security
user mapping PUBLIC SERVER s added safe security
