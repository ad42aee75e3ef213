-- before
CREATE TYPE gone AS (a int);
CREATE TYPE old AS (a int);
CREATE TYPE changed AS (a int);
CREATE TYPE span AS RANGE (subtype = int);
CREATE TYPE shell;
-- after
CREATE TYPE come AS (a int);
DROP TYPE gone;
ALTER TYPE old RENAME TO new;
ALTER TYPE changed ADD ATTRIBUTE b text;
DROP TYPE span;
CREATE TYPE span AS RANGE (subtype = bigint);
DROP TYPE shell;
-- expect
type public.come added safe
type public.gone dropped breaking
type public.old renamed breaking
type public.changed altered breaking
type public.span altered breaking
type public.shell dropped breaking
