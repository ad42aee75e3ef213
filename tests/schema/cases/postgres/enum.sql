-- before
CREATE TYPE gone AS ENUM ('a');
CREATE TYPE old AS ENUM ('a');
CREATE TYPE longer AS ENUM ('a', 'b');
CREATE TYPE inserted AS ENUM ('a', 'b');
CREATE TYPE renamed AS ENUM ('a', 'b');
-- after
CREATE TYPE come AS ENUM ('x');
DROP TYPE gone;
ALTER TYPE old RENAME TO new;
ALTER TYPE longer ADD VALUE 'c';
ALTER TYPE inserted ADD VALUE 'c' BEFORE 'b';
ALTER TYPE renamed RENAME VALUE 'b' TO 'c';
-- expect
enum public.come added safe
enum public.gone dropped breaking
enum public.old renamed breaking
enum public.longer altered cautious
enum public.inserted altered breaking
enum public.renamed altered breaking
