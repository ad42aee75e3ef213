-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int CONSTRAINT p_fk REFERENCES p);
-- after
ALTER TABLE c ALTER CONSTRAINT p_fk DEFERRABLE;
-- expect
constraint public.c.p_fk altered cautious
