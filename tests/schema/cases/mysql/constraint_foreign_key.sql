-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int, q int, KEY p (p), KEY q (q), CONSTRAINT q_fk FOREIGN KEY (q) REFERENCES p (id));
-- after
ALTER TABLE c ADD CONSTRAINT p_fk FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE, DROP FOREIGN KEY q_fk;
-- expect
constraint c.p_fk added cautious
constraint c.q_fk dropped cautious
