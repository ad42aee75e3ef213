-- before
CREATE FUNCTION gone(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION old(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION arguments(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION language() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION body() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION returns(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION attributes() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- after
CREATE FUNCTION come(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION gone(int);
ALTER FUNCTION old(int, text) RENAME TO new;
CREATE OR REPLACE FUNCTION arguments(a int DEFAULT 7) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION language() RETURNS int LANGUAGE plpgsql AS 'BEGIN END';
CREATE OR REPLACE FUNCTION body() RETURNS int LANGUAGE sql AS 'SELECT 2';
DROP FUNCTION returns(int);
CREATE FUNCTION returns(int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
ALTER FUNCTION attributes() IMMUTABLE PARALLEL SAFE;
-- expect
function public.come(integer) added safe
function public.gone(integer) dropped breaking
function public.old(integer, text) renamed breaking
function public.arguments(integer) altered breaking
function public.language() altered cautious
function public.body() altered cautious
function public.returns(integer) altered breaking
function public.attributes() altered cautious
