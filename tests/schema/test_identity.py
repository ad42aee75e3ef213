"""Whose values are where, on a real PostgreSQL: an object is known by its number, whatever else bears its name now."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from case import postgres_database
from servers import Postgres
from test_track import settled, until_told
from tocsin.options import DatabaseFilter
from tocsin.schema.diff import diff
from tocsin.schema.tell import schema_event
from watching import Watch, postgres_options, said

KIT = """
CREATE TABLE acct (id int, credit int, debit int, note text);
CREATE TABLE live (id int, x text);
CREATE TABLE stage (id int, x text);
CREATE TABLE kept (a int, b int, c int);
CREATE TABLE one (id int PRIMARY KEY, x text CHECK (x <> ''), y int);
CREATE TABLE two (id int PRIMARY KEY, z int, w int UNIQUE);
CREATE TABLE part_of (id int) PARTITION BY LIST (id);
CREATE SCHEMA sx;
CREATE TABLE sx.t (a int);
CREATE SCHEMA s1;
CREATE SCHEMA s2;
CREATE TABLE s1.t (a int);
CREATE TABLE s2.t (b int);
CREATE SEQUENCE n1;
CREATE SEQUENCE n2;
CREATE VIEW of_both AS SELECT one.id, two.z FROM one JOIN two USING (id);
CREATE VIEW of_acct AS SELECT credit, debit FROM acct;
CREATE INDEX of_credit ON acct (credit) WHERE debit > 0;
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER TABLE one OWNER TO case_alice;
GRANT SELECT ON one TO case_bob;
COMMENT ON TABLE two IS 'second';
COMMENT ON COLUMN kept.c IS 'third';
COMMENT ON COLUMN acct.credit IS 'what came';
"""

SWAP = "ALTER {what} {a} RENAME TO aside; ALTER {what} {b} RENAME TO {a}; ALTER {what} aside RENAME TO {b}"
SWAP_COLUMNS = "ALTER TABLE {t} RENAME {a} TO aside; ALTER TABLE {t} RENAME {b} TO {a}; ALTER TABLE {t} RENAME aside TO {b}"


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (
            SWAP_COLUMNS.format(t="acct", a="credit", b="debit"),
            ["column public.acct.credit renamed breaking", "column public.acct.debit renamed breaking"],
        ),
        (
            SWAP_COLUMNS.format(t="acct", a="credit", b="note"),
            ["column public.acct.credit renamed breaking", "column public.acct.note renamed breaking"],
        ),
        (SWAP.format(what="TABLE", a="live", b="stage"), ["table public.live renamed breaking", "table public.stage renamed breaking"]),
        (SWAP.format(what="TABLE", a="one", b="two"), ["table public.one renamed breaking", "table public.two renamed breaking"]),
        (SWAP.format(what="SEQUENCE", a="n1", b="n2"), ["sequence public.n1 renamed breaking", "sequence public.n2 renamed breaking"]),
        (SWAP.format(what="SCHEMA", a="s1", b="s2"), ["schema s1 renamed breaking", "schema s2 renamed breaking"]),
        (
            "ALTER TABLE s1.t SET SCHEMA public; ALTER TABLE s2.t SET SCHEMA s1; ALTER TABLE public.t SET SCHEMA s2",
            ["table s1.t renamed breaking", "table s2.t renamed breaking"],
        ),
        (
            "ALTER TABLE live RENAME TO live_old; CREATE TABLE live (id int, x text)",
            ["table public.live added safe", "table public.live renamed breaking"],
        ),
        (
            "ALTER TABLE live RENAME TO live_old; CREATE TABLE live (id int, other text)",
            ["table public.live added safe", "table public.live renamed breaking"],
        ),
        (
            "ALTER SCHEMA sx RENAME TO sy; CREATE SCHEMA sx; CREATE TABLE sx.t (a int)",
            ["schema sx added safe", "schema sx renamed breaking", "table sx.t added safe"],
        ),
        (
            "DROP TABLE live; ALTER TABLE stage RENAME TO live",
            ["table public.live dropped destructive", "table public.stage renamed breaking"],
        ),
        (
            "ALTER TABLE kept DROP b; ALTER TABLE kept RENAME c TO b",
            ["column public.kept.b dropped destructive", "column public.kept.c renamed breaking"],
        ),
        (
            "ALTER TABLE kept RENAME b TO bb; ALTER TABLE kept ADD b int",
            ["column public.kept.b added safe", "column public.kept.b renamed breaking"],
        ),
        (
            "ALTER FUNCTION f RENAME TO g; CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ["function public.f(integer) added safe", "function public.f(integer) renamed breaking"],
        ),
        ("DROP TABLE live; CREATE TABLE live (x text, id int)", []),
        (
            "DROP TABLE live; CREATE TABLE live (x text, other int)",
            ["column public.live.id dropped destructive", "column public.live.other added safe"],
        ),
        (
            "ALTER TABLE stage RENAME TO part_1; ALTER TABLE live RENAME TO stage",
            ["table public.live renamed breaking", "table public.stage renamed breaking"],
        ),
    ],
)
def test_number_leads_to_the_object_whatever_it_is_called(postgres: Postgres, done: str, expected: list[str]) -> None:
    with postgres_database(postgres) as (execute, look):
        execute([line for line in KIT.split(";\n") if line.strip()])
        before, gate = look()
        execute(["BEGIN", *done.split("; "), "COMMIT"])
        after, now = look()
        assert gate != now
        assert said([schema_event("shop", d) for d in diff(before, after)]) == expected


@pytest.fixture
def watched(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Watch, str]]:
    name = f"identity_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        with Watch(postgres_options(postgres.dsn(), databases=DatabaseFilter(include=(f"^{name}$",))), tmp_path / "state") as watch:
            yield watch, name
            watch.scheduler.stop()
    finally:
        for database in (name, f"{name}_kept"):
            postgres.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def test_equal_ones_that_change_places_are_seen_by_the_watch(watched: tuple[Watch, str], postgres: Postgres) -> None:
    """No text and no fingerprint says so: it is found all the same, though only what moved is read."""
    watch, name = watched
    settled(postgres, name, "CREATE TABLE acct (id int, credit int, debit int)", "CREATE TABLE live (a int)", "CREATE TABLE stage (a int)")
    assert watch.check() == []
    settled(postgres, name, "BEGIN", *SWAP_COLUMNS.format(t="acct", a="credit", b="debit").split("; "), "COMMIT")
    assert until_told(watch, "column public.acct.credit renamed breaking", "column public.acct.debit renamed breaking")
    settled(postgres, name, "BEGIN", *SWAP.format(what="TABLE", a="live", b="stage").split("; "), "COMMIT")
    assert until_told(watch, "table public.live renamed breaking", "table public.stage renamed breaking")
    settled(postgres, name, "BEGIN", "DROP TABLE live", "CREATE TABLE live (a int)", "ALTER TABLE acct ADD e int", "COMMIT")
    assert until_told(watch, "column public.acct.e added safe")


def test_database_made_again_from_another_is_compared_by_names(watched: tuple[Watch, str], postgres: Postgres) -> None:
    """Its tables bear the numbers of those that it was copied from."""
    watch, name = watched
    settled(postgres, name, "CREATE TABLE a (x int)", "CREATE TABLE b (x int)")
    postgres.execute(f"CREATE DATABASE {name}_kept TEMPLATE {name}")
    assert watch.check() == []
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {name}_kept")
    settled(postgres, name, *SWAP.format(what="TABLE", a="a", b="b").split("; "), "CREATE TABLE c (x int)")
    assert until_told(watch, "table public.c added safe")
