-- before
CREATE TABLE t (a int);
CREATE RULE gone AS ON DELETE TO t DO ALSO NOTHING;
CREATE RULE old AS ON DELETE TO t DO ALSO NOTHING;
CREATE RULE changed AS ON DELETE TO t DO ALSO NOTHING;
CREATE RULE off AS ON DELETE TO t DO ALSO NOTHING;
-- after
CREATE RULE come AS ON UPDATE TO t DO INSTEAD NOTHING;
DROP RULE gone ON t;
ALTER RULE old ON t RENAME TO new;
CREATE OR REPLACE RULE changed AS ON INSERT TO t DO ALSO NOTHING;
ALTER TABLE t DISABLE RULE off;
-- expect
rule public.t.come added cautious
rule public.t.gone dropped cautious
rule public.t.old renamed safe
rule public.t.changed altered cautious
rule public.t.off altered cautious
