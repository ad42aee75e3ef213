-- before
CREATE FUNCTION f(a int) RETURNS int DETERMINISTIC RETURN a;
-- after
DROP FUNCTION f;
CREATE FUNCTION g() RETURNS int DETERMINISTIC RETURN 1;
-- expect
function f dropped breaking
function g added safe
