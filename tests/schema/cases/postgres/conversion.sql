-- before
CREATE CONVERSION gone FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE CONVERSION old FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE CONVERSION changed FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
-- after
CREATE CONVERSION come FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
DROP CONVERSION gone;
ALTER CONVERSION old RENAME TO new;
DROP CONVERSION changed;
CREATE DEFAULT CONVERSION changed FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
-- expect
conversion public.come added safe
conversion public.gone dropped breaking
conversion public.old renamed breaking
conversion public.changed altered cautious
