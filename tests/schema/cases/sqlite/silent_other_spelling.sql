-- White space, comments, quotes and the case of keywords and of types mean nothing.
-- before
CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a VARCHAR(40) NOT NULL DEFAULT 'x' COLLATE NOCASE, b INTEGER REFERENCES t (id) ON DELETE CASCADE, c INT AS (b + 1), CHECK (b > 0 AND a IS NOT NULL), UNIQUE (a, b));
CREATE INDEX i ON t (b DESC) WHERE a IS NOT NULL;
CREATE VIEW v AS SELECT a FROM t WHERE b > 1;
CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET b = 1; END;
-- after
DROP VIEW v;
DROP TABLE t;
create table "t" (`id` integer primary key autoincrement, "a" varchar ( 40 ) not null default 'x' collate nocase, [b] integer references "t" ("id") on delete cascade, c int generated always as ("b" + 1) virtual, constraint named check ("b" > 0 /* more */ and a is not null), unique ("A", b));
create index "i" on "t" ("b" desc) where "a" is not null;
create view "v" as select "a" from [t] where b>1;
create trigger r after insert on "t" begin update t set "b" = 1; -- one
end;
-- expect
