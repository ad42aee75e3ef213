-- before
CREATE PROCEDURE gone(int) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE old(int, text) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE arguments(a int) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE language() LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE body() LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE attributes() LANGUAGE sql AS 'SELECT 1';
-- after
CREATE PROCEDURE come(int) LANGUAGE sql AS 'SELECT 1';
DROP PROCEDURE gone(int);
ALTER PROCEDURE old(int, text) RENAME TO new;
CREATE OR REPLACE PROCEDURE arguments(a int DEFAULT 7) LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE PROCEDURE language() LANGUAGE plpgsql AS 'BEGIN END';
CREATE OR REPLACE PROCEDURE body() LANGUAGE sql AS 'SELECT 2';
ALTER PROCEDURE attributes() SET work_mem = '8MB';
-- expect
procedure public.come(integer) added safe
procedure public.gone(integer) dropped breaking
procedure public.old(integer, text) renamed breaking
procedure public.arguments(integer) altered breaking
procedure public.language() altered cautious
procedure public.body() altered cautious
procedure public.attributes() altered cautious
