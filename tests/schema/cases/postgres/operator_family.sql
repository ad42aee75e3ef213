-- before
CREATE OPERATOR FAMILY gone USING btree;
CREATE OPERATOR FAMILY old USING btree;
CREATE OPERATOR FAMILY changed USING btree;
-- after
CREATE OPERATOR FAMILY come USING btree;
DROP OPERATOR FAMILY gone USING btree;
ALTER OPERATOR FAMILY old USING btree RENAME TO new;
ALTER OPERATOR FAMILY changed USING btree ADD OPERATOR 1 < (int, bigint), FUNCTION 1 (int, bigint) btint48cmp(int, bigint);
-- expect
operator family public.come USING btree added safe
operator family public.gone USING btree dropped breaking
operator family public.old USING btree renamed breaking
operator family public.changed USING btree altered cautious
