-- Only the table that is referred to is touched.
-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int CONSTRAINT p_fk REFERENCES p);
-- after
ALTER TABLE p DISABLE TRIGGER ALL;
-- expect
constraint public.c.p_fk altered cautious
