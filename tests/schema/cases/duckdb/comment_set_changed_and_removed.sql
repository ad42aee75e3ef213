-- before
CREATE TABLE t (a INTEGER, b INTEGER);
CREATE INDEX t_a ON t (a);
CREATE SEQUENCE s;
CREATE MACRO m(a) AS a;
CREATE VIEW v AS SELECT a FROM t;
COMMENT ON TABLE t IS 'old';
COMMENT ON COLUMN t.a IS 'gone';
-- after
COMMENT ON TABLE t IS 'new';
COMMENT ON COLUMN t.a IS NULL;
COMMENT ON COLUMN t.b IS 'added';
COMMENT ON INDEX t_a IS 'of an index';
COMMENT ON SEQUENCE s IS 'of a sequence';
COMMENT ON MACRO m IS 'of a macro';
COMMENT ON VIEW v IS 'of a view';
COMMENT ON COLUMN v.a IS 'of a column of a view';
-- expect
comment macro main.m added safe
comment main.t altered safe
comment main.t.a dropped safe
comment main.t.b added safe
comment main.t.index t_a added safe
comment main.v added safe
comment main.v.a added safe
comment sequence main.s added safe
