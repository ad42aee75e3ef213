-- Triggers enforce foreign keys: who disables all of a table's, on either side, disables those too.
-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE q (id int PRIMARY KEY);
CREATE TABLE c (p int CONSTRAINT p_fk REFERENCES p, other int CONSTRAINT other_fk REFERENCES q);
CREATE TABLE d (p int CONSTRAINT d_fk REFERENCES p, q int CONSTRAINT d_q_fk REFERENCES q);
CREATE TABLE e (q int CONSTRAINT e_fk REFERENCES q);
ALTER TABLE e DISABLE TRIGGER ALL;
CREATE TABLE g (q int);
CREATE TABLE f (id int CONSTRAINT f_key UNIQUE DEFERRABLE INITIALLY DEFERRED);
-- after
ALTER TABLE c DISABLE TRIGGER ALL;
ALTER TABLE p DISABLE TRIGGER ALL;
ALTER TABLE e ENABLE TRIGGER ALL;
ALTER TABLE f DISABLE TRIGGER ALL;
ALTER TABLE g ADD CONSTRAINT g_fk FOREIGN KEY (q) REFERENCES q;
ALTER TABLE g DISABLE TRIGGER ALL;
-- expect
constraint public.c.p_fk altered cautious
constraint public.c.other_fk altered cautious
constraint public.d.d_fk altered cautious
constraint public.e.e_fk altered cautious
constraint public.f.f_key altered cautious
constraint public.g.g_fk added cautious
