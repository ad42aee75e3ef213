-- before
CREATE TABLE "Odd.Table" ("Ünï ""q"" code" int);
-- after
ALTER TABLE "Odd.Table" ALTER COLUMN "Ünï ""q"" code" SET NOT NULL;
-- expect
column public."Odd.Table"."Ünï ""q"" code" altered cautious
