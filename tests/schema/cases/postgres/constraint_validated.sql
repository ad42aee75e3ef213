-- before
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (a int, p int);
ALTER TABLE t ADD CONSTRAINT high CHECK (a > 0) NOT VALID;
ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p NOT VALID;
-- after
ALTER TABLE t VALIDATE CONSTRAINT high;
ALTER TABLE t VALIDATE CONSTRAINT fk;
-- expect
constraint public.t.fk altered safe
constraint public.t.high altered safe
