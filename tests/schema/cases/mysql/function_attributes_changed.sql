-- before
CREATE FUNCTION f() RETURNS int DETERMINISTIC NO SQL RETURN 1;
CREATE FUNCTION g() RETURNS int DETERMINISTIC NO SQL RETURN 1;
-- after
ALTER FUNCTION f READS SQL DATA;
ALTER FUNCTION g SQL SECURITY INVOKER COMMENT 'why';
-- expect
comment function g added safe
function f altered cautious
function g altered breaking
