"""What PostgreSQL shows to some roles alone: that it is hidden is no change, and what changes meanwhile is told when it is seen again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import Postgres
from tocsin.options import DatabaseFilter
from tocsin.schema import drift
from tocsin.schema.diff import diff
from tocsin.schema.model import HIDDEN, Object, Schema
from watching import Page, Watch, postgres_options, said

MAPPING = "user mapping postgres SERVER there altered cautious security"


@pytest.fixture
def role(postgres: Postgres, database: str) -> Iterator[str]:
    """A superuser, who may see what there is."""
    name = f"{database}_watcher"
    postgres.execute(
        f"CREATE ROLE {name} LOGIN SUPERUSER",
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER there FOREIGN DATA WRAPPER w OPTIONS (host 'a')",
        "CREATE USER MAPPING FOR postgres SERVER there OPTIONS (user 'one')",
        "CREATE USER MAPPING FOR PUBLIC SERVER there",
        database=database,
    )
    yield name
    postgres.execute("DROP SERVER there CASCADE", database=database)
    postgres.execute(f"DROP ROLE {name}")


def watching(postgres: Postgres, database: str, role: str, state: Path, expected: Path | None = None) -> Watch:
    chosen = DatabaseFilter(include=(f"^{database}$",))
    return Watch(postgres_options(postgres.dsn(database, user=role), databases=chosen, expected=expected), state)


def unseen(page: Page) -> set[str]:
    return {labels["object_kind"] for labels, _ in page.all("tocsin_schema_unseen")}


def test_rights_that_are_lost_and_regained_are_no_change(postgres: Postgres, database: str, role: str, tmp_path: Path) -> None:
    def look(*statements: str) -> list[str]:
        """Each look is of a session that begins with the rights of the day."""
        postgres.execute(*statements, database=database)
        with watching(postgres, database, role, tmp_path / "state") as watch:
            told = said(watch.check())
            assert watch.record("schema").success
            seen.append(unseen(watch.page()))
        return told

    seen: list[set[str]] = []
    assert look() == []
    assert look(f"ALTER ROLE {role} NOSUPERUSER", "CREATE TABLE t ()") == ["table public.t added safe"]
    assert look("CREATE USER MAPPING FOR pg_monitor SERVER there") == ["user mapping pg_monitor SERVER there added safe security"]
    assert look("DROP USER MAPPING FOR pg_monitor SERVER there") == ["user mapping pg_monitor SERVER there dropped breaking"]
    assert look("CREATE TABLE u ()") == ["table public.u added safe"]
    assert look(f"ALTER ROLE {role} SUPERUSER", "CREATE TABLE v ()") == ["table public.v added safe"]
    assert seen == [set(), *[{"user mapping"}] * 4, set()]
    # What was altered while it could not be seen is told afterwards.
    assert look(f"ALTER ROLE {role} NOSUPERUSER", "CREATE TABLE w ()") == ["table public.w added safe"]
    assert look("ALTER USER MAPPING FOR postgres SERVER there OPTIONS (SET user 'two')") == []
    assert look(f"ALTER ROLE {role} SUPERUSER", "CREATE TABLE x ()") == ["table public.x added safe", MAPPING]


def test_what_was_hidden_from_the_beginning_is_no_news(postgres: Postgres, database: str, role: str, tmp_path: Path) -> None:
    for statements in ((f"ALTER ROLE {role} NOSUPERUSER",), (f"ALTER ROLE {role} SUPERUSER", "CREATE TABLE t ()")):
        postgres.execute(*statements, database=database)
        with watching(postgres, database, role, tmp_path / "state") as watch:
            told = said(watch.check())
    assert told == ["table public.t added safe"]


def test_what_is_hidden_agrees_with_what_is_expected(postgres: Postgres, database: str, role: str, tmp_path: Path) -> None:
    expected = tmp_path / "expected.json"
    mapping = {"kind": "user mapping", "name": "postgres SERVER there", "definition": "user 'one'"}
    public = {"kind": "user mapping", "name": "PUBLIC SERVER there"}
    databases = {database: {"server": "postgres", "objects": [mapping, public]}}
    expected.write_text(json.dumps({"format": 1, "kinds": ["user mapping"], "databases": databases}))
    postgres.execute(f"ALTER ROLE {role} NOSUPERUSER")
    with watching(postgres, database, role, tmp_path / "state", expected) as watch:
        watch.check()
        assert watch.page().value("tocsin_schema_drift", object_kind="user mapping", drift="different") == 0


def test_hidden_is_equal_to_anything_on_both_sides() -> None:
    one, other = (Schema("x", (Object("user mapping", "", "a", (text,)),)) for text in ("user 'one'", HIDDEN))
    assert diff(one, other) == diff(other, one) == []
    assert drift.as_dict(other.objects[0])["definition"] == HIDDEN
