-- before
CREATE PROCEDURE p(IN a int, OUT b varchar(9)) SET b = a;
CREATE PROCEDURE q() SET @a = 1;
CREATE PROCEDURE r() SET @a = 1;
CREATE PROCEDURE s() SQL SECURITY INVOKER SET @a = 1;
-- after
DROP PROCEDURE p;
CREATE PROCEDURE p(IN a int, INOUT b varchar(9)) SET b = a;
DROP PROCEDURE q;
CREATE PROCEDURE q() SET @a = 2;
SET sql_mode = 'ANSI_QUOTES';
DROP PROCEDURE r;
CREATE PROCEDURE r() SET @a = 1;
ALTER PROCEDURE s SQL SECURITY DEFINER;
-- expect
procedure p altered breaking
procedure q altered cautious
procedure r altered cautious
procedure s altered cautious security
