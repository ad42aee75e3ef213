-- before
CREATE COLLATION gone FROM "C";
CREATE COLLATION old FROM "C";
CREATE COLLATION changed FROM "C";
-- after
CREATE COLLATION come FROM "C";
DROP COLLATION gone;
ALTER COLLATION old RENAME TO new;
DROP COLLATION changed;
CREATE COLLATION changed FROM "POSIX";
-- expect
collation public.come added safe
collation public.gone dropped breaking
collation public.old renamed breaking
collation public.changed altered cautious
