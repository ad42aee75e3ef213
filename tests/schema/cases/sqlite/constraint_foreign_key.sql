-- before
CREATE TABLE p (id INTEGER PRIMARY KEY);
CREATE TABLE c (p INTEGER);
-- after
DROP TABLE c;
CREATE TABLE c (p INTEGER REFERENCES p (id) ON DELETE CASCADE);
-- expect
constraint c.FOREIGN KEY (p) REFERENCES p (id) added cautious
