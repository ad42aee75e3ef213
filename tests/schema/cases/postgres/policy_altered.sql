-- before
CREATE TABLE t (a int);
CREATE POLICY reads ON t FOR UPDATE TO case_alice USING (a = 1) WITH CHECK (a = 1);
CREATE POLICY writes ON t FOR UPDATE TO case_alice USING (a = 1) WITH CHECK (a = 1);
CREATE POLICY roles ON t TO case_alice USING (a = 1);
CREATE POLICY form ON t USING (a = 3);
CREATE POLICY command ON t FOR SELECT USING (a = 3);
-- after
ALTER POLICY reads ON t USING (true);
ALTER POLICY writes ON t WITH CHECK (true);
ALTER POLICY roles ON t TO PUBLIC;
DROP POLICY form ON t;
CREATE POLICY form ON t AS RESTRICTIVE USING (a = 3);
DROP POLICY command ON t;
CREATE POLICY command ON t FOR DELETE USING (a = 3);
-- expect
policy public.t.reads altered cautious security
policy public.t.writes altered cautious security
policy public.t.roles altered cautious security
policy public.t.form altered cautious security
policy public.t.command altered cautious security
