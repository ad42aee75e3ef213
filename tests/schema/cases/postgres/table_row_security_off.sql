-- before
CREATE TABLE t (a int);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE TABLE u (a int);
ALTER TABLE u ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- after
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
ALTER TABLE u NO FORCE ROW LEVEL SECURITY;
-- expect
table public.t altered cautious security
table public.u altered cautious security
