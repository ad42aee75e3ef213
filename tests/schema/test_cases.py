"""Every case against its real engine: the changes that are told, their risks, and the fingerprint.

A case is one file, `cases/<engine>/<what happens>.sql`, with the sections `-- before`, `-- after` and
`-- expect`: a line each, as `column public.orders.email dropped destructive`, none for what must be silent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from case import CASES, Case, Outcome, postgres_database, sqlite_database
from servers import Postgres
from tocsin.schema import drift
from tocsin.schema.model import TRAITS, dump, load
from tocsin.schema.tell import schema_event
from watching import said

each_case = pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}-{p.stem}")


@each_case
def test_case(path: Path, outcome: Callable[[Path], Outcome]) -> None:
    found = outcome(path)
    assert sorted(said([schema_event("shop", d) for d in found.differences])) == found.case.expect
    if found.case.expect:
        assert found.old.fingerprint() != found.new.fingerprint(), "told, but the fingerprint is the same"
        assert found.gate_moved, "the cheap check would not have let the inspection through"
    elif "The hash may move" not in path.read_text():
        assert found.old.fingerprint() == found.new.fingerprint(), "silent, but the fingerprint moved"


@each_case
def test_case_backwards_tells_as_much(path: Path, outcome: Callable[[Path], Outcome]) -> None:
    """What is told one way is told the other way: nothing is seen only when it comes or only when it goes."""
    from tocsin.schema.diff import diff

    found = outcome(path)
    assert bool(diff(found.new, found.old)) == bool(found.differences)


def test_there_are_enough_cases_of_every_sort() -> None:
    cases = [Case.load(p) for p in CASES]
    assert len(cases) >= 40
    assert len([c for c in cases if not c.expect]) >= 12
    for engine in ("postgres", "sqlite"):
        words = {line.split(" ")[0] for c in cases if c.path.parent.name == engine for line in c.expect}
        assert words >= {"table", "column", "index", "constraint", "view", "trigger"}


def test_every_event_says_what_was_and_what_is(outcome: Callable[[Path], Outcome]) -> None:
    for path in CASES:
        for d in outcome(path).differences:
            event = schema_event("shop", d)
            assert event.reason
            assert (event.old is None) == (event.change == "added"), path.name
            assert (event.new is None) == (event.change == "dropped"), path.name
            assert event.change != "altered" or event.old != event.new, f"{path.name}: {event.old} reads the same before and after"


def test_snapshot_survives_being_kept(outcome: Callable[[Path], Outcome]) -> None:
    for path in CASES:
        new = outcome(path).new
        assert load(dump(new.objects)) == list(new.objects)


# The fingerprint

PARTS = {
    "postgres": (
        ["CREATE TABLE a (x int, y text)", "CREATE TABLE b (z int)"],
        [
            "ALTER TABLE a ADD CHECK (x > 0)",
            "ALTER TABLE a ADD CHECK (x < 9)",
            "ALTER TABLE a ADD UNIQUE (y)",
            "CREATE INDEX ON a (x)",
            "CREATE INDEX ON a (x, y)",
            "CREATE INDEX named ON b (z)",
        ],
        ["CREATE TABLE b (z int)", "CREATE TABLE a (y text, x int)"],
    ),
    "sqlite": (
        ["CREATE TABLE a (x int, y text, CHECK (x > 0), CHECK (x < 9), UNIQUE (y), UNIQUE (x, y))", "CREATE TABLE b (z int)"],
        ["CREATE INDEX i ON a (x)", "CREATE INDEX j ON b (z)"],
        ["CREATE TABLE b (z int)", "CREATE TABLE a (y text, x int, UNIQUE (x, y), UNIQUE (y), CHECK (x < 9), CHECK (x > 0))"],
    ),
}


@pytest.mark.parametrize("engine", ["postgres", "sqlite"])
def test_fingerprint_does_not_depend_on_the_order_of_creation(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    tables, parts, others = PARTS[engine]
    found = []
    for i, script in enumerate(([*tables, *parts], [*others, *reversed(parts)])):
        server = request.getfixturevalue("postgres") if engine == "postgres" else None
        with postgres_database(server) if server else sqlite_database(tmp_path / f"{i}.db") as (execute, look):
            execute(script)
            found.append(look()[0])
    assert found[0].fingerprint() == found[1].fingerprint()
    assert len(found[0].fingerprint()) == 64


SUBTLE = """
    CREATE TABLE log (at timestamptz DEFAULT '2026-01-01 12:00+00', since interval DEFAULT '1 day 2 hours', f float8 DEFAULT 0.1,
        b bytea DEFAULT 'a\\000b')
        PARTITION BY RANGE (at)
"""


@pytest.mark.parametrize(
    "setting",
    [
        "search_path = public, pg_catalog", "TimeZone = 'Asia/Tokyo'", "DateStyle = 'German, DMY'", "IntervalStyle = 'sql_standard'",
        "quote_all_identifiers = on", "extra_float_digits = 0", "bytea_output = 'escape'", "default_transaction_isolation = 'serializable'",
    ],
)  # fmt: skip
def test_fingerprint_does_not_depend_on_what_roles_and_databases_set(postgres: Postgres, setting: str) -> None:
    with postgres_database(postgres) as (execute, look):
        execute([SUBTLE, "CREATE TABLE t (a int PRIMARY KEY)", "CREATE INDEX ON log (date_trunc('day', at AT TIME ZONE 'UTC'))"])
        before, _ = look()
        postgres.execute(f"ALTER ROLE postgres SET {setting}")
        try:
            with postgres_database(postgres) as (again, see):
                again([SUBTLE, "CREATE TABLE t (a int PRIMARY KEY)", "CREATE INDEX ON log (date_trunc('day', at AT TIME ZONE 'UTC'))"])
                assert see()[0].fingerprint() == before.fingerprint()
        finally:
            with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
                admin.execute("ALTER ROLE postgres RESET ALL")


def test_equal_schemas_of_two_databases_have_one_fingerprint_and_other_identities(postgres: Postgres) -> None:
    script = ["CREATE TABLE t (a int PRIMARY KEY, b text)", "CREATE INDEX ON t (b)"]
    with postgres_database(postgres) as (execute, look), postgres_database(postgres) as (again, see):
        execute(script)
        again(["CREATE TABLE moves_the_oids ()", "DROP TABLE moves_the_oids", *script])
        one, other = look()[0], see()[0]
    assert one.fingerprint() == other.fingerprint()
    assert {o.identity for o in one.objects} != {o.identity for o in other.objects}


def test_inspection_costs_the_same_round_trips_however_many_tables(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.sources.postgres.connection import Connection

    counted: list[int] = []
    original = Connection.receive
    monkeypatch.setattr(Connection, "receive", lambda self, *a: counted.append(1) or original(self, *a))
    with postgres_database(postgres) as (execute, look):
        look()
        few = len(counted)
        execute([f"CREATE TABLE t{i} (a int PRIMARY KEY, b text UNIQUE)" for i in range(60)])
        counted.clear()
        schema, _ = look()
    assert len(counted) == few
    assert schema.counts()["table"] == 60


def test_every_schema_that_is_written_down_reads_back(outcome: Callable[[Path], Outcome], tmp_path: Path) -> None:
    """As a file of expected schemas, in which nothing may stand twice."""
    path = tmp_path / "expected.json"
    for case in CASES:
        for schema in (outcome(case).old, outcome(case).new):
            path.write_text("\n".join(drift.write([("shop", schema)], TRAITS)), "utf-8")
            assert drift.differences(drift.read(path), "shop", schema) == [], case.name
