-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int, q int CONSTRAINT q_fk REFERENCES p);
-- after
ALTER TABLE c ADD CONSTRAINT p_fk FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE, DROP CONSTRAINT q_fk;
-- expect
constraint public.c.p_fk added cautious
constraint public.c.q_fk dropped cautious
