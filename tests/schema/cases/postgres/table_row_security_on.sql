-- before
CREATE TABLE t (a int);
CREATE TABLE u (a int);
ALTER TABLE u ENABLE ROW LEVEL SECURITY;
-- after
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE u FORCE ROW LEVEL SECURITY;
-- expect
table public.t altered breaking
table public.u altered breaking
