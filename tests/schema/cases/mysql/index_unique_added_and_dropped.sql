-- before
CREATE TABLE t (a int, b int, UNIQUE one (a));
-- after
ALTER TABLE t DROP KEY one, ADD UNIQUE two (b);
-- expect
index t.one dropped cautious
index t.two added cautious
