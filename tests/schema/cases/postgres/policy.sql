-- before
CREATE TABLE t (a int);
CREATE POLICY gone ON t USING (a = 1);
CREATE POLICY bar ON t AS RESTRICTIVE USING (a > 1);
CREATE POLICY old ON t USING (a = 2);
-- after
CREATE POLICY come ON t FOR SELECT TO case_alice USING (true);
CREATE POLICY new_bar ON t AS RESTRICTIVE USING (a < 9);
DROP POLICY gone ON t;
DROP POLICY bar ON t;
ALTER POLICY old ON t RENAME TO new;
-- expect
policy public.t.come added safe security
policy public.t.new_bar added breaking
policy public.t.gone dropped breaking
policy public.t.bar dropped safe security
policy public.t.old renamed safe
