-- before
CREATE TABLE t (a int, b text);
CREATE VIEW gone AS SELECT a FROM t;
CREATE VIEW old AS SELECT a FROM t;
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a, b FROM t;
CREATE VIEW x AS SELECT a FROM t;
-- after
CREATE VIEW come AS SELECT b FROM t;
DROP VIEW gone;
ALTER VIEW old RENAME TO new;
CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE a > 0;
ALTER VIEW w RENAME COLUMN b TO c;
ALTER VIEW x ALTER COLUMN a SET DEFAULT 3;
-- expect
view public.come added safe
view public.gone dropped breaking
view public.old renamed breaking
view public.v altered cautious
view public.w altered breaking
view public.x altered breaking
