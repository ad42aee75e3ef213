-- before
CREATE SEQUENCE gone;
CREATE SEQUENCE old;
CREATE SEQUENCE changed;
CREATE SEQUENCE owned;
CREATE TABLE t (a int);
-- after
CREATE SEQUENCE come;
DROP SEQUENCE gone;
ALTER SEQUENCE old RENAME TO new;
ALTER SEQUENCE changed INCREMENT 10 MAXVALUE 1000;
ALTER SEQUENCE owned OWNED BY t.a;
-- expect
sequence public.come added safe
sequence public.gone dropped breaking
sequence public.old renamed breaking
sequence public.changed altered cautious
sequence public.owned altered safe
