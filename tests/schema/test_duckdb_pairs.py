"""Pairs of schemas made by a real DuckDB: whatever differs in meaning is told, whatever differs in spelling alone is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from duckdb_app import request_of
from tocsin.schema.diff import diff
from tocsin.schema.model import Schema
from tocsin.schema.risk import weigh
from tocsin.schema.tell import schema_event
from tocsin.sources.duckdb.child import answered
from tocsin.sources.duckdb.parcel import unpacked

T = "CREATE TABLE t (a INTEGER, b VARCHAR, c INTEGER); "
P = "CREATE TABLE p (a INTEGER PRIMARY KEY, b INTEGER, UNIQUE (b)); "

DIFFERENT = [
    # Macros
    ("CREATE MACRO m(a, b := 5) AS a + b", "CREATE MACRO m(a, b := 6) AS a + b"),
    ("CREATE MACRO m(a, b := 5) AS a + b", "CREATE MACRO m(a, b) AS a + b"),
    ("CREATE MACRO m(a := 'x') AS a", "CREATE MACRO m(a := 'X') AS a"),
    ("CREATE MACRO m(a := 'y, b := 1') AS a", "CREATE MACRO m(a := 'y, b := 2') AS a"),
    ("CREATE MACRO m(a INTEGER) AS a", "CREATE MACRO m(a BIGINT) AS a"),
    ("CREATE MACRO m(a) AS a + 1", "CREATE MACRO m(a) AS a + 2"),
    ("CREATE MACRO m(a) AS a, (a, b) AS a + b", "CREATE MACRO m(a) AS a, (a, b) AS a - b"),
    ("CREATE MACRO m(a) AS a, (a, b := 1) AS a + b", "CREATE MACRO m(a) AS a, (a, b := 2) AS a + b"),
    ("CREATE MACRO m(n) AS TABLE SELECT n", "CREATE MACRO m(n) AS TABLE SELECT n + 1"),
    ("CREATE MACRO m(n := 3) AS TABLE SELECT n", "CREATE MACRO m(n := 4) AS TABLE SELECT n"),
    ("CREATE MACRO m(n) AS n", "CREATE MACRO m(n) AS TABLE SELECT n"),
    ('CREATE SCHEMA "S x"; CREATE MACRO "S x"."M (y"(a := 1) AS a', 'CREATE SCHEMA "S x"; CREATE MACRO "S x"."M (y"(a := 2) AS a'),
    # Sequences
    ("CREATE SEQUENCE s", "CREATE SEQUENCE s START 5"),
    ("CREATE SEQUENCE s START 100", "CREATE SEQUENCE s START 200"),
    ("CREATE SEQUENCE s", "CREATE SEQUENCE s INCREMENT BY 2"),
    ("CREATE SEQUENCE s", "CREATE SEQUENCE s MINVALUE 0 START 1"),
    ("CREATE SEQUENCE s", "CREATE SEQUENCE s MAXVALUE 99"),
    ("CREATE SEQUENCE s MAXVALUE 99", "CREATE SEQUENCE s MAXVALUE 99 CYCLE"),
    ("CREATE SEQUENCE s INCREMENT BY -1 MINVALUE -9 START -1", "CREATE SEQUENCE s INCREMENT BY -1 MINVALUE -9 START -2"),
    # Types
    ("CREATE TYPE e AS ENUM ('a', 'b')", "CREATE TYPE e AS ENUM ('a', 'B')"),
    ("CREATE TYPE e AS ENUM ('a', 'b')", "CREATE TYPE e AS ENUM ('b', 'a')"),
    ("CREATE TYPE e AS STRUCT(a INTEGER, b VARCHAR)", "CREATE TYPE e AS STRUCT(a INTEGER, c VARCHAR)"),
    ("CREATE TYPE e AS STRUCT(a INTEGER)", "CREATE TYPE e AS STRUCT(a BIGINT)"),
    ("CREATE TYPE e AS INTEGER", "CREATE TYPE e AS BIGINT"),
    ("CREATE TYPE e AS UNION(a INTEGER, b VARCHAR)", "CREATE TYPE e AS UNION(a INTEGER, b DATE)"),
    # Columns
    ("CREATE TABLE t (a STRUCT(x INTEGER, y VARCHAR))", "CREATE TABLE t (a STRUCT(x INTEGER, z VARCHAR))"),
    ("CREATE TABLE t (a INTEGER[])", "CREATE TABLE t (a INTEGER[3])"),
    ("CREATE TABLE t (a DECIMAL(10, 2))", "CREATE TABLE t (a DECIMAL(10, 3))"),
    ("CREATE TABLE t (a MAP(VARCHAR, INTEGER))", "CREATE TABLE t (a MAP(VARCHAR, BIGINT))"),
    ("CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1))", "CREATE TABLE t (a INTEGER, b INTEGER AS (a + 2))"),
    ("CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1))", "CREATE TABLE t (a INTEGER, b INTEGER DEFAULT 1)"),
    ("CREATE TABLE t (a VARCHAR DEFAULT 'x')", "CREATE TABLE t (a VARCHAR DEFAULT 'X')"),
    ("CREATE TABLE t (a VARCHAR)", "CREATE TABLE t (a VARCHAR COLLATE nocase)"),
    ("CREATE TABLE t (a VARCHAR COLLATE nocase)", "CREATE TABLE t (a VARCHAR COLLATE noaccent)"),
    ("CREATE TABLE t (a INTEGER)", "CREATE TABLE t (a INTEGER NOT NULL)"),
    # Constraints and indexes
    ("CREATE TABLE t (a INTEGER CHECK (a > 0))", "CREATE TABLE t (a INTEGER CHECK (a > 1))"),
    ("CREATE TABLE t (a VARCHAR CHECK (a <> 'x'))", "CREATE TABLE t (a VARCHAR CHECK (a <> 'X'))"),
    ("CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))", "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (b, a))"),
    ("CREATE TABLE t (a INTEGER UNIQUE, b INTEGER)", "CREATE TABLE t (a INTEGER, b INTEGER UNIQUE)"),
    (P + "CREATE TABLE t (a INTEGER REFERENCES p (a))", P + "CREATE TABLE t (a INTEGER REFERENCES p (b))"),
    (T + "CREATE INDEX i ON t (a)", T + "CREATE INDEX i ON t (c)"),
    (T + "CREATE INDEX i ON t (a)", T + "CREATE UNIQUE INDEX i ON t (a)"),
    (T + "CREATE INDEX i ON t (lower(b))", T + "CREATE INDEX i ON t (upper(b))"),
    (T + "CREATE INDEX i ON t (a, c)", T + "CREATE INDEX i ON t (c, a)"),
    # Views, triggers, comments
    (T + "CREATE VIEW v AS SELECT a FROM t", T + "CREATE VIEW v (x) AS SELECT a FROM t"),
    (T + "CREATE VIEW v (x) AS SELECT a FROM t", T + "CREATE VIEW v (y) AS SELECT a FROM t"),
    (T + "CREATE VIEW v AS SELECT b || 'x' AS d FROM t", T + "CREATE VIEW v AS SELECT b || 'X' AS d FROM t"),
    (
        T + P + "CREATE TRIGGER r AFTER INSERT ON t FOR EACH STATEMENT INSERT INTO p VALUES (1, 1)",
        T + P + "CREATE TRIGGER r AFTER DELETE ON t FOR EACH STATEMENT INSERT INTO p VALUES (1, 1)",
    ),
    (T + "COMMENT ON TABLE t IS 'x'", T + "COMMENT ON TABLE t IS 'y'"),
    (T + "COMMENT ON COLUMN t.a IS 'x'", T),
    ("CREATE MACRO m(a) AS a; COMMENT ON MACRO m IS 'x'", "CREATE MACRO m(a) AS a"),
    ("CREATE SCHEMA extra", "CREATE SCHEMA other; CREATE TABLE other.t (a INTEGER)"),
]  # fmt: skip

ALIKE = [
    ("CREATE TABLE t (a INTEGER, b VARCHAR NOT NULL)", 'create table "t"(a int4, "b" text not /* ever */ null)'),
    ("CREATE TABLE t (a DECIMAL(10, 2))", "create table t (a numeric(10,2))"),
    ("CREATE TABLE t (a VARCHAR DEFAULT 'x')", "CREATE TABLE t (a VARCHAR DEFAULT   ('x'))"),
    ("CREATE TABLE t (a INTEGER CHECK (a > 0 AND a < 9))", 'CREATE TABLE t (a INTEGER check(("a">0) and a<9))'),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER, CONSTRAINT k PRIMARY KEY (a))"),
    ("CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1))", "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a+1) VIRTUAL)"),
    ("CREATE TABLE t (a STRUCT(x INTEGER, y VARCHAR))", "CREATE TABLE t (a ROW(\"x\" INT, y TEXT))"),
    (T + "CREATE INDEX i ON t (lower(b))", T + 'create index "i" on t(LOWER("b"))'),
    (T + "CREATE VIEW v AS SELECT a FROM t WHERE a > 1", T + 'create or replace view main."v" as select "a" from t -- all\nwhere a>1'),
    ("CREATE SEQUENCE s INCREMENT BY 2", "CREATE SEQUENCE s START 1 increment 2 NO CYCLE"),
    ("CREATE MACRO m(a, b := 5) AS a + b", "create or replace function m(a, b := 5) as (a+b)"),
    ("CREATE MACRO m(a) AS a, (a, b) AS a + b", "CREATE MACRO m(a, b) AS a + b, (a) AS a"),
    ("CREATE TYPE e AS ENUM ('a', 'b')", "create type \"e\" as enum('a','b')"),
    (T, T + "CREATE TEMP TABLE u (a INTEGER); CREATE TEMP VIEW v AS SELECT 1; CREATE TEMP MACRO m(a) AS a; CREATE TEMP SEQUENCE s"),
    (T, T + "CREATE SECRET (TYPE http, BEARER_TOKEN 'hunter2')"),
    ("CREATE SEQUENCE s; SELECT 1", "CREATE SEQUENCE s; SELECT nextval('s')"),
]  # fmt: skip


def look(path: Path, script: str, *, logged: bool) -> Schema:
    """Return the schema of a database that a script has made, as it stands in the log, or in the file itself."""
    with duckdb.connect(str(path)) as connection:
        if logged:
            connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute(script)
    assert path.with_name(f"{path.name}.wal").exists() is logged
    answer, parcel = answered(request_of(path))
    assert "hunter2" not in str(answer)
    return Schema(answer["server"], tuple(o for _, objects in unpacked(parcel) for o in objects))


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_another_meaning_is_told(before: str, after: str, tmp_path: Path) -> None:
    old, new = look(tmp_path / "old.duckdb", before, logged=False), look(tmp_path / "new.duckdb", after, logged=True)
    assert old.fingerprint() != new.fingerprint()
    for found in (diff(old, new), diff(new, old)):
        assert found
        for difference in found:
            event = schema_event("old", difference)
            assert event.old != event.new
            assert "altered" not in weigh(difference).reason, "no rule of its own"


@pytest.mark.parametrize(("before", "after"), ALIKE)
def test_another_spelling_is_not_told(before: str, after: str, tmp_path: Path) -> None:
    old, new = look(tmp_path / "old.duckdb", before, logged=False), look(tmp_path / "new.duckdb", after, logged=True)
    assert diff(old, new) == diff(new, old) == []
    assert old.fingerprint() == new.fingerprint()


def test_there_are_enough_pairs() -> None:
    assert len(DIFFERENT) >= 30
    assert len(ALIKE) >= 10
