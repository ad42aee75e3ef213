-- before
CREATE DOMAIN gone AS text;
CREATE DOMAIN old AS text;
CREATE DOMAIN base AS text;
CREATE DOMAIN required AS text;
CREATE DOMAIN optional AS text NOT NULL;
CREATE DOMAIN filled AS text;
CREATE DOMAIN checked AS text;
-- after
CREATE DOMAIN come AS text;
DROP DOMAIN gone;
ALTER DOMAIN old RENAME TO new;
DROP DOMAIN base;
CREATE DOMAIN base AS int;
ALTER DOMAIN required SET NOT NULL;
ALTER DOMAIN optional DROP NOT NULL;
ALTER DOMAIN filled SET DEFAULT 'x';
ALTER DOMAIN checked ADD CONSTRAINT short CHECK (length(VALUE) < 9);
-- expect
domain public.come added safe
domain public.gone dropped breaking
domain public.old renamed breaking
domain public.base altered breaking
domain public.required altered cautious
domain public.optional altered breaking
domain public.filled altered cautious
domain public.checked altered cautious
