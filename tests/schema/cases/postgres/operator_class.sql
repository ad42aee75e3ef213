-- before
CREATE OPERATOR FAMILY a USING btree;
CREATE OPERATOR FAMILY b USING btree;
CREATE OPERATOR FAMILY c USING btree;
CREATE OPERATOR FAMILY d USING btree;
CREATE OPERATOR CLASS gone FOR TYPE int USING btree FAMILY a AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
CREATE OPERATOR CLASS old FOR TYPE int USING btree FAMILY b AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
CREATE OPERATOR CLASS changed FOR TYPE int USING btree FAMILY c AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
-- after
DROP OPERATOR CLASS gone USING btree;
ALTER OPERATOR CLASS old USING btree RENAME TO new;
DROP OPERATOR CLASS changed USING btree;
CREATE OPERATOR CLASS changed FOR TYPE int USING btree FAMILY c AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
CREATE OPERATOR CLASS come FOR TYPE int USING btree FAMILY d AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
-- expect
operator class public.come USING btree added safe
operator class public.gone USING btree dropped breaking
operator class public.old USING btree renamed breaking
operator class public.changed USING btree altered cautious
