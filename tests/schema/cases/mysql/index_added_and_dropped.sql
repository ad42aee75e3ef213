-- before
CREATE TABLE t (a int, b int, KEY one (a));
-- after
ALTER TABLE t DROP KEY one, ADD KEY two (b DESC);
-- expect
index t.one dropped cautious
index t.two added safe
