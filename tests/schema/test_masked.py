"""What a schema's texts hold of secrets leaves the exporter masked: in events, on the page, and in the file of the expected schema."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from mariadb import MariaDB, mysql_options
from servers import Postgres, until
from tocsin import events_api, schemas
from tocsin.event import Change, Event, EventKind
from tocsin.options import TargetOptions
from tocsin.schema import drift
from tocsin.schema.difference import Difference
from tocsin.schema.masked import masked
from tocsin.schema.model import Object, Schema
from tocsin.schema.tell import schema_event
from tocsin.sources.duckdb.config import DuckdbOptions
from watching import Watch, postgres_options, sqlite_options

S = "hunter2Zq8"
T = "staple8Wx"


def shown(watch: Watch, events: list[Event]) -> str:
    """Return everything that a reader is given: events as the API and the stream have them, and the page of series."""
    page = events_api.page(watch.journal, events_api.parse({}))
    lines = [events_api.line(event) for event in events]
    return json.dumps(page) + "".join(lines) + "".join(map(repr, events)) + "\n".join(map(str, watch.page().samples))


def exported(watch: Watch) -> str:
    found = schemas.of_target(watch.target.options, (), 30.0)
    return "\n".join(drift.write(found.items(), (*drift.DEFAULT_KINDS, "comment")))


def found(watch: Watch) -> list[Event]:
    """Return the next events; a look at a DuckDB file is fresh for a while, so it may take more than one check."""
    return until(lambda: [e for e in watch.check() if e.kind is EventKind.SCHEMA], 90)


def check(options: TargetOptions, state: Path, change: Callable[[], object], again: Callable[[], object]) -> Iterator[Event]:
    """Make one change and then one of secrets alone; yield the events of both after looking for secrets in all that is shown."""
    with Watch(options, state) as watch:
        assert not watch.check()
        before = watch.page().value("tocsin_schema_fingerprint") if len(watch.page().all("tocsin_schema_fingerprint")) == 1 else None
        change()
        first = found(watch)
        again()
        second = found(watch)
        assert first
        assert second, "a change of a secret alone is a change"
        text = shown(watch, first + second)
        for secret in (S, T):
            assert secret not in text, text[max(0, text.find(secret) - 300) : text.find(secret) + 50]
            assert secret not in exported(watch)
        assert "***" in exported(watch)
        assert before is None or watch.page().value("tocsin_schema_fingerprint") != before
        yield from second


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE t (id INTEGER, title TEXT)")

    def make(secret: str) -> None:
        connection.executescript(f"""
            DROP TABLE IF EXISTS keys; DROP VIEW IF EXISTS v; DROP TRIGGER IF EXISTS g;
            CREATE TABLE keys (id INTEGER, api_token TEXT NOT NULL DEFAULT '{secret}');
            CREATE VIEW v AS SELECT * FROM t WHERE title <> 'postgres://bob:{secret}@db/shop';
            CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE keys SET api_token = '{secret}'; END;
        """)

    found = list(check(sqlite_options(path), tmp_path / "state", lambda: make(S), lambda: make(T)))
    assert {e.detail.get("diff") for e in found if e.object.startswith("v")} == {"(nothing else than masked values)"}


def test_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"

    def make(secret: str) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER, title VARCHAR)")
            connection.execute(f"CREATE OR REPLACE TABLE keys (id INTEGER, api_token VARCHAR DEFAULT '{secret}')")
            connection.execute(f"CREATE OR REPLACE VIEW v AS SELECT * FROM t WHERE title <> 'postgres://bob:{secret}@db/shop'")
            connection.execute(f"CREATE OR REPLACE MACRO m(x) AS x || 'password={secret}'")
            connection.execute(f"COMMENT ON TABLE t IS 'filled from mysql://bob:{secret}@db/shop'")

    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER, title VARCHAR)")
    list(check(DuckdbOptions(name="lake", kind="duckdb", path=path), tmp_path / "state", lambda: make(S), lambda: make(T)))


def test_postgres(postgres: Postgres, database: str, tmp_path: Path) -> None:
    def make(secret: str) -> None:
        postgres.execute(
            f"""
            CREATE TABLE IF NOT EXISTS t (id int, title text);
            CREATE TABLE IF NOT EXISTS keys (id int, api_token text);
            ALTER TABLE keys ALTER api_token SET DEFAULT '{secret}';
            CREATE OR REPLACE VIEW v AS SELECT * FROM t WHERE title <> 'postgres://bob:{secret}@db/shop';
            CREATE OR REPLACE FUNCTION f(p_password text DEFAULT '{secret}') RETURNS text LANGUAGE plpgsql AS $body$
            DECLARE
                v_secret text := '{secret}';
            BEGIN
                PERFORM set_config('app.api_key', '{secret}', false);
                RETURN v_secret;
            END $body$;
            COMMENT ON TABLE t IS 'filled from host=old user=bob password={secret}';
            """,
            database=database,
        )

    options = postgres_options(postgres.dsn(database), collectors={"files": False})
    found = list(check(options, tmp_path / "state", lambda: make(S), lambda: make(T)))
    assert any(e.detail.get("diff") == "(nothing else than masked values)" for e in found if e.object_kind == "function")


def test_mariadb(mariadb: MariaDB, tmp_path: Path) -> None:
    mariadb.execute("DROP DATABASE IF EXISTS masked", "CREATE DATABASE masked")
    mariadb.exporter_account()

    def make(secret: str) -> None:
        mariadb.execute(
            "CREATE TABLE IF NOT EXISTS t (id int, title text)",
            "CREATE TABLE IF NOT EXISTS secrets (id int, api_token varchar(64))",
            f"ALTER TABLE secrets ALTER api_token SET DEFAULT '{secret}'",
            f"CREATE OR REPLACE VIEW v AS SELECT * FROM t WHERE title <> 'mysql://bob:{secret}@db/shop'",
            f"CREATE OR REPLACE FUNCTION f(a text) RETURNS text DETERMINISTIC RETURN AES_ENCRYPT(a, '{secret}')",
            f"ALTER TABLE t COMMENT 'filled with password={secret}'",
            database="masked",
        )

    from tocsin.options import DatabaseFilter

    options = mysql_options(mariadb.dsn(), databases=DatabaseFilter(include=("^masked$",)))
    try:
        list(check(options, tmp_path / "state", lambda: make(S), lambda: make(T)))
    finally:
        mariadb.execute("DROP DATABASE masked")


def column(name: str, default: str) -> Object:
    return Object("column", "public.t", name, ("text", "yes", default, None, None, None))


def test_what_differs_in_a_secret_alone_is_as_expected(tmp_path: Path) -> None:
    """The file is masked, and so is what it is compared with."""
    before = Schema("sqlite 3", (column("api_token", f"'{S}'"), column("title", "'a'")))
    after = Schema("sqlite 3", (column("api_token", f"'{T}'"), column("title", "'b'")))
    path = tmp_path / "expected.json"
    path.write_text("\n".join(drift.write([("main", before)])))
    assert S not in path.read_text()
    assert not drift.differences(drift.read(path), "main", before)
    assert [d.subject.name for d in drift.differences(drift.read(path), "main", after)] == ["title"]


def test_fingerprints_are_of_what_really_is() -> None:
    before, after = (Schema("sqlite 3", (column("api_token", f"'{s}'"),)) for s in (S, T))
    assert before.fingerprint() != after.fingerprint()
    assert Schema("", tuple(map(masked, before.objects))).fingerprint() == Schema("", tuple(map(masked, after.objects))).fingerprint()


def test_a_long_definition_is_masked_before_it_is_cut() -> None:
    """Else the cut might fall into a secret, of which a part would be no secret by its form."""
    for length in range(9_900, 10_040, 7):
        o = Object("view", "", "v", ("-" * length + f" password = '{S} {T}'", None, None))
        event = schema_event("main", Difference(Change.ADDED, None, o))
        assert S[:4] not in str(event.new)


def test_statement_that_made_a_change_is_masked(tmp_path: Path) -> None:
    from tocsin import catalog
    from tocsin.source import Run

    collector = catalog.source("sqlite").collector("schema")
    assert collector is not None
    run = Run(collector, 0.0)
    d = Difference(Change.ADDED, None, column("a", "1"))
    run.event(schema_event("main", d, lambda _d: {"statement": f"CREATE USER bob PASSWORD '{S}'", "by": "bob"}))
    assert run.events[0].detail == {"statement": "CREATE USER bob PASSWORD '***'", "by": "bob"}
