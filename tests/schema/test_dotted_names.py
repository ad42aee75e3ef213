"""Names with dots and quotes in them, on real engines: what one object is called is never what another is called."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from duckdb_app import duckdb_options
from servers import Postgres
from tocsin.options import DatabaseFilter
from tocsin.schema.model import dotted, parts
from watching import Watch, postgres_options, said, sqlite_options

CHANGES = [
    ('ALTER TABLE "a.b".c ADD COLUMN y int', ['column "a.b".c.y added safe']),
    ('CREATE VIEW "a.b"."v""w" AS SELECT 1 AS one', ['view "a.b"."v""w" added safe']),
    ('ALTER TABLE a."b.c" ADD COLUMN "y.z" int', ['column a."b.c"."y.z" added safe']),
    ('DROP VIEW "a.b"."v""w"', ['view "a.b"."v""w" dropped breaking']),
    ('DROP TABLE "a.b".c', ['table "a.b".c dropped destructive']),
    ('DROP SCHEMA "a.b"', ['schema "a.b" dropped destructive']),
]
TABLES = ("CREATE SCHEMA a", 'CREATE SCHEMA "a.b"', 'CREATE TABLE "a.b".c (x int)', 'CREATE TABLE a."b.c" (x int, z text)')


def test_postgres(postgres: Postgres, database: str, tmp_path: Path) -> None:
    postgres.execute(*TABLES, database=database)
    chosen = DatabaseFilter(include=(f"^{database}$",))
    with Watch(postgres_options(postgres.dsn(database), databases=chosen), tmp_path / "state") as watch:
        watch.check()
        for statement, told in CHANGES:
            postgres.execute(statement, database=database)
            assert said(watch.check()) == told, statement


def test_postgres_renames_a_schema_with_a_dot_in_one_event(postgres: Postgres, database: str, tmp_path: Path) -> None:
    postgres.execute(*TABLES, "CREATE FUNCTION \"a.b\".f() RETURNS int LANGUAGE sql AS 'SELECT 1'", database=database)
    chosen = DatabaseFilter(include=(f"^{database}$",))
    with Watch(postgres_options(postgres.dsn(database), databases=chosen), tmp_path / "state") as watch:
        watch.check()
        for old, new, name in (('"a.b"', "d", 'schema "a.b" renamed breaking'), ("d", '"e.f"', "schema d renamed breaking")):
            postgres.execute(f"ALTER SCHEMA {old} RENAME TO {new}", database=database)
            (event,) = watch.check()
            assert said([event]) == [name]
            assert event.detail["objects"] == 2


def test_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in TABLES:
            connection.execute(statement)
    with Watch(duckdb_options(path), tmp_path / "state") as watch:
        watch.check()
    for statement, told in CHANGES:
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)
        with Watch(duckdb_options(path), tmp_path / "state") as watch:
            assert said(watch.check()) == told, statement


def test_sqlite_names_a_column_with_a_dot_like_no_other(tmp_path: Path) -> None:
    path = tmp_path / "app.db"

    def execute(script: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.executescript(script)
        connection.close()

    execute('CREATE TABLE "a.b" (c int, d int); CREATE TABLE a ("b.c" int, d int)')
    with Watch(sqlite_options(path), tmp_path / "state") as watch:
        watch.check()
        execute('ALTER TABLE "a.b" DROP COLUMN c; ALTER TABLE a DROP COLUMN "b.c"')
        assert said(watch.check()) == ['column a."b.c" dropped destructive', "column a.b.c dropped destructive"]


@pytest.mark.parametrize("names", [["public", "orders"], ["a.b", "c"], ["a", "b.c"], ['a"', "."], ['"', '"."'], ["ü", "x y"]])
def test_names_come_back_from_what_they_were_joined_to(names: list[str]) -> None:
    assert parts(dotted(*names)) == names
