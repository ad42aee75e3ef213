-- before
CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE OPERATOR <*> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
-- after
CREATE OPERATOR <-> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi);
DROP OPERATOR <+> (int, int);
ALTER OPERATOR <*> (int, int) SET (RESTRICT = eqsel);
-- expect
operator public.<->(integer, integer) added safe
operator public.<+>(integer, integer) dropped breaking
operator public.<*>(integer, integer) altered cautious
