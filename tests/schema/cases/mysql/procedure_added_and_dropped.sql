-- before
CREATE PROCEDURE p(IN a int) SET @a = a;
-- after
DROP PROCEDURE p;
CREATE PROCEDURE q() SET @a = 1;
-- expect
procedure p dropped breaking
procedure q added safe
