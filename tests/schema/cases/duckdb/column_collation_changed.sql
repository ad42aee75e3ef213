-- before
CREATE TABLE t (a VARCHAR COLLATE nocase, "odd, name" VARCHAR DEFAULT 'x COLLATE y');
-- after
CREATE OR REPLACE TABLE t (a VARCHAR COLLATE noaccent, "odd, name" VARCHAR COLLATE nocase DEFAULT 'x COLLATE y');
-- expect
column main.t.a altered cautious
column main.t.odd, name altered cautious
