"""From inspection to events over time: what is told once, what is never told, and when a schema is read at all."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from servers import Postgres
from tocsin.errors import JournalError
from tocsin.event import Risk
from tocsin.options import DatabaseFilter
from tocsin.schema import track
from tocsin.schema.model import dump, load
from tocsin.schema.snapshot import mark
from watching import Watch, eventually, postgres_options, said, sqlite_options


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "app.db"
    change(found, "CREATE TABLE t (a INTEGER)")
    return found


@pytest.fixture
def watch(path: Path, tmp_path: Path) -> Iterator[Watch]:
    with Watch(sqlite_options(path), tmp_path / "state") as found:
        yield found


def change(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()


def inspections(watch: Watch, database: str = "main") -> float:
    return watch.page().value("tocsin_schema_inspections_total", database=database) or 0


def test_baseline_is_silent(watch: Watch) -> None:
    assert watch.check() == []
    assert inspections(watch) == 1
    page = watch.page()
    assert page.value("tocsin_schema_objects", database="main", object_kind="table") == 1
    ((labels, _),) = page.all("tocsin_schema_info")
    assert page.value("tocsin_schema_fingerprint") == int(labels["fingerprint"][:13], 16)
    assert page.value("tocsin_schema_last_change_timestamp_seconds") is None


def test_change_is_told_once(watch: Watch, path: Path) -> None:
    watch.check()
    change(path, "ALTER TABLE t ADD COLUMN b TEXT")
    (event,) = watch.check()
    assert said([event]) == ["column t.b added safe"]
    assert (event.target, event.source, event.kind, event.database) == ("app", "sqlite", "schema", "main")
    assert (event.old, event.new) == (None, "b TEXT")
    for _ in range(3):
        assert watch.check() == []
    page = watch.page()
    labels = {"database": "main", "object_kind": "column", "change": "added", "risk": "safe"}
    assert page.value("tocsin_schema_changes_total", **labels) == 1
    assert page.value("tocsin_schema_change_timestamp_seconds", object="t.b", **labels) == pytest.approx(time.time(), abs=10)


def test_change_while_down_is_found_once_at_the_next_start(path: Path, tmp_path: Path) -> None:
    with Watch(sqlite_options(path), tmp_path / "state") as watch:
        assert watch.check() == []
    change(path, "ALTER TABLE t ADD COLUMN b TEXT", "CREATE TABLE u (x)")
    with Watch(sqlite_options(path), tmp_path / "state") as watch:
        assert said(watch.check()) == ["table u added safe", "column t.b added safe"]
    with Watch(sqlite_options(path), tmp_path / "state") as watch:
        assert watch.check() == []
        assert len(watch.journal.events()) == 2
        assert watch.page().value("tocsin_schema_changes_total", object_kind="table", risk="safe") == 1


def test_failed_run_tells_nothing_and_loses_nothing(watch: Watch, path: Path) -> None:
    watch.check()
    change(path, "ALTER TABLE t ADD COLUMN b TEXT")
    kept = path.read_bytes()
    path.write_bytes(b"now this is something else entirely" * 10)
    assert watch.check() == []
    assert watch.record("schema").error.reason == "config"
    assert not watch.page().all("tocsin_schema_info"), "a failed run leaves no old samples"
    path.write_bytes(kept)
    assert said(watch.check()) == ["column t.b added safe"]
    assert watch.check() == []


def test_journal_that_cannot_be_written_loses_nothing(watch: Watch, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.check()
    change(path, "ALTER TABLE t ADD COLUMN b TEXT")

    def refuse(*_args: object, **_more: object) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(watch.journal, "commit", refuse)
        assert watch.check() == []
        assert watch.record("schema").error.reason == "internal"
    assert said(watch.check()) == ["column t.b added safe"]
    assert watch.check() == []


def test_closed_gate_spares_the_inspection(watch: Watch, path: Path) -> None:
    for _ in range(4):
        watch.check()
    assert inspections(watch) == 1
    change(path, "INSERT INTO t VALUES (1)")
    watch.check()
    assert inspections(watch) == 1
    change(path, "CREATE TABLE u (x)")
    watch.check()
    assert inspections(watch) == 2


def test_file_is_read_once_after_each_start(path: Path, tmp_path: Path) -> None:
    """Its gate is remembered, but another file may have been put in its place meanwhile."""
    for start in range(3):
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            for _ in range(3):
                watch.check()
                assert inspections(watch) == start + 1


def test_closed_gate_opens_after_a_while(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cheap check cannot see, here because it is blind, is found by the full inspection."""
    monkeypatch.setattr("tocsin.sources.sqlite.collect._gate", lambda _picture: "the same")
    with Watch(sqlite_options(path, full_inspection_every=1.0), tmp_path / "state") as watch:
        watch.check()
        change(path, "ALTER TABLE t ADD COLUMN b TEXT")
        assert watch.check() == []
        assert inspections(watch) == 1
        assert eventually(lambda: said(watch.check()) == ["column t.b added safe"])
        assert inspections(watch) == 2


def test_schema_cookie_that_was_put_back_hides_nothing(watch: Watch, path: Path) -> None:
    watch.check()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        cookie = connection.execute("PRAGMA schema_version").fetchone()[0]
    change(path, "ALTER TABLE t ADD COLUMN b TEXT", f"PRAGMA schema_version = {cookie}")
    assert said(watch.check()) == ["column t.b added safe"]


def test_every_check_leaves_its_time(watch: Watch) -> None:
    watch.check()
    first = watch.page().value("tocsin_schema_last_check_timestamp_seconds")
    time.sleep(0.05)
    watch.check()
    assert (watch.page().value("tocsin_schema_last_check_timestamp_seconds") or 0) > (first or 0)


def rewrite(watch: Watch, server: str, *, altered: bool) -> None:
    """Make the journal say that the last inspection was of another server's version."""
    key = "sqlite.schema"
    summary = watch.journal.recall("app", key, "summary:main")
    part = watch.journal.recall("app", key, "root:main:t")
    assert summary is not None
    assert part is not None
    facts = json.loads(summary) | {"gate": "another", "server": server}
    memory: dict[str, bytes | None] = {"summary:main": json.dumps(facts).encode()}
    if altered:  # as if that version had described the same column in other words
        objects = [o._replace(traits=("INT4", *o.traits[1:])) if o.kind == "column" else o for o in load(part)]
        memory |= {"root:main:t": dump(objects), "roots:main": zlib.compress(json.dumps({"t": mark(objects)}).encode())}
    watch.journal.commit("app", key, [], memory)


@pytest.mark.parametrize("altered", [True, False])
def test_another_major_version_of_the_server_is_a_new_baseline(watch: Watch, path: Path, altered: bool) -> None:
    watch.check()
    rewrite(watch, "sqlite 2", altered=altered)
    (event,) = watch.check()
    assert (event.object_kind, event.change, event.old, event.new) == ("database", "rebaselined", "sqlite 2", "sqlite 3")
    assert event.risk is Risk.SAFE
    assert watch.check() == []
    # From then on the new version's words are what is compared with.
    change(path, "ALTER TABLE t ADD COLUMN b TEXT")
    assert said(watch.check()) == ["column t.b added safe"]


# Databases


@pytest.fixture
def name(postgres: Postgres) -> Iterator[str]:
    """A prefix of database names of the test's own; they are dropped at the end."""
    prefix = f"track_{uuid.uuid4().hex[:8]}"
    yield prefix
    for (found,) in postgres.execute(f"SELECT datname FROM pg_database WHERE datname LIKE '{prefix}%'"):
        postgres.execute(f"DROP DATABASE {found} WITH (FORCE)")


@pytest.fixture
def server(postgres: Postgres, name: str, tmp_path: Path) -> Iterator[Watch]:
    with Watch(postgres_options(postgres.dsn(), databases=DatabaseFilter(include=(f"^{name}",))), tmp_path / "state") as found:
        yield found
        found.scheduler.stop()


def settled(postgres: Postgres, database: str, *statements: str) -> None:
    """Change a database and have the server count it at once."""
    with psycopg.connect(postgres.dsn(database), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
        if connection.info.server_version >= 150000:
            connection.execute("SELECT pg_stat_force_next_flush()")


def until_told(watch: Watch, *expected: str) -> bool:
    return eventually(lambda: said(watch.check()) == list(expected))


def test_database_created_and_dropped_is_told(server: Watch, postgres: Postgres, name: str) -> None:
    assert server.check() == []
    postgres.execute(f"CREATE DATABASE {name}")
    (event,) = server.check()
    assert said([event]) == [f"database {name} added safe"]
    assert event.database == name
    settled(postgres, name, "CREATE TABLE t (a int)")
    assert until_told(server, "table public.t added safe")
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert said(server.check()) == [f"database {name} dropped destructive"]
    # One of the same name begins anew: nothing is compared with the one that is gone.
    postgres.execute(f"CREATE DATABASE {name}")
    assert said(server.check()) == [f"database {name} added safe"]
    assert server.check() == []


def test_partition_that_is_detached_and_later_dropped_has_rotated(
    server: Watch, postgres: Postgres, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual way to part with old rows without a long lock, with a look between the two steps."""
    postgres.execute(f"CREATE DATABASE {name}")
    parts = [f"CREATE TABLE p{i} PARTITION OF log FOR VALUES FROM ({i}) TO ({i + 1})" for i in range(5)]
    settled(postgres, name, "CREATE TABLE log (n int) PARTITION BY RANGE (n)", "CREATE TABLE own (n int)", *parts)
    server.check()
    settled(
        postgres, name, "ALTER TABLE log DETACH PARTITION p0", "ALTER TABLE log DETACH PARTITION p1", "ALTER TABLE log DETACH PARTITION p2"
    )
    assert until_told(server, *(f"partition public.p{i} altered safe" for i in range(3)))
    settled(postgres, name, "ALTER TABLE p1 RENAME TO old_p1")
    assert until_told(server, "table public.p1 renamed safe")
    settled(postgres, name, "DROP TABLE p0, own")
    assert until_told(server, "table public.own dropped destructive", "table public.p0 dropped safe")
    settled(postgres, name, "DROP TABLE old_p1")
    assert until_told(server, "table public.old_p1 dropped safe")
    monkeypatch.setattr(track, "_ROTATED_SECONDS", 0.0)  # by now it is a table that somebody keeps
    settled(postgres, name, "DROP TABLE p2")
    assert until_told(server, "table public.p2 dropped destructive")


def test_partition_that_is_half_detached_is_none_already(server: Watch, postgres: Postgres, name: str) -> None:
    """Cut off while it waits for others: queries of the table see its rows no more, and only FINALIZE ends it."""
    postgres.execute(f"CREATE DATABASE {name}")
    parts = [f"CREATE TABLE p{i} PARTITION OF log FOR VALUES IN ({i})" for i in range(2)]
    settled(postgres, name, "CREATE TABLE log (n int) PARTITION BY LIST (n)", *parts)
    server.check()
    with psycopg.connect(postgres.dsn(name)) as reader:
        reader.execute("SELECT FROM log")
        with psycopg.connect(postgres.dsn(name), autocommit=True) as other:
            other.execute("SET statement_timeout = '1s'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute("ALTER TABLE log DETACH PARTITION p0 CONCURRENTLY")
    settled(postgres, name, "SELECT")
    assert until_told(server, "partition public.p0 altered cautious")
    settled(postgres, name, "ALTER TABLE log DETACH PARTITION p0 FINALIZE")
    assert server.check() == []
    settled(postgres, name, "ALTER TABLE p0 ADD COLUMN a int")
    assert until_told(server, "column public.p0.a added safe")


def test_gate_of_a_server_is_remembered_over_a_restart(postgres: Postgres, name: str, tmp_path: Path) -> None:
    postgres.execute(f"CREATE DATABASE {name}")
    settled(postgres, name, "CREATE TABLE t (a int)")
    options = postgres_options(postgres.dsn(), databases=DatabaseFilter(include=(f"^{name}",)))
    for _ in range(3):
        with Watch(options, tmp_path / "state") as watch:
            watch.check()
            assert inspections(watch, name) == 1
            watch.scheduler.stop()


def test_renamed_database_is_not_gone_and_keeps_its_history(server: Watch, postgres: Postgres, name: str) -> None:
    postgres.execute(f"CREATE DATABASE {name}_a")
    settled(postgres, f"{name}_a", "CREATE TABLE t (a int)")
    server.check()
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}_a'")
    assert eventually(lambda: not postgres.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}_a'"))
    postgres.execute(f"ALTER DATABASE {name}_a RENAME TO {name}_b")
    settled(postgres, f"{name}_b", "ALTER TABLE t DROP COLUMN a")
    found = server.check()
    assert said(found) == [f"database {name}_a renamed breaking", "column public.t.a dropped destructive"]
    assert found[0].detail == {"new_name": f"{name}_b"}
    assert found[1].database == f"{name}_b"
    assert server.check() == []


def renamed_in_turn(postgres: Postgres, *moves: tuple[str, str]) -> None:
    """Rename databases one after the other; nobody may be connected to one for that."""
    for old, new in moves:
        postgres.execute(f"ALTER DATABASE {old} ALLOW_CONNECTIONS false")
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{old}'")
        assert eventually(lambda old=old: not postgres.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{old}'"), 30)
        postgres.execute(f"ALTER DATABASE {old} RENAME TO {new}", f"ALTER DATABASE {new} ALLOW_CONNECTIONS true")


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize(
    "moves",
    [
        [("gr", "old"), ("blu", "gr")],
        [("gr", "spare"), ("blu", "gr"), ("spare", "blu")],
        [("gr", "spare"), ("blu", "gr"), ("third", "blu"), ("spare", "third")],
    ],
    ids=["blue-green", "swap", "circle"],
)
def test_databases_that_change_names_are_told_by_name_alone(
    postgres: Postgres, name: str, tmp_path: Path, moves: list[tuple[str, str]], restarted: bool
) -> None:
    called = {one: one for one in ("gr", "blu", "third")}
    for one in called:
        postgres.execute(f"CREATE DATABASE {name}_{one}")
        settled(postgres, f"{name}_{one}", f"CREATE TABLE of_{one} (a int)", f"CREATE VIEW seen_{one} AS SELECT a FROM of_{one}")
    options = postgres_options(postgres.dsn(), databases=DatabaseFilter(include=(f"^{name}",)))
    with contextlib.ExitStack() as stack:
        watch = stack.enter_context(Watch(options, tmp_path / "state"))
        assert watch.check() == []
        renamed_in_turn(postgres, *((f"{name}_{old}", f"{name}_{new}") for old, new in moves))
        for old, new in moves:
            called = {one: new if now == old else now for one, now in called.items()}
        if restarted:
            stack.close()
            watch = stack.enter_context(Watch(options, tmp_path / "state"))
        found = watch.check()
        expected = {f"{name}_{one}": f"{name}_{now}" for one, now in called.items() if one != now}
        assert {e.object: e.detail["new_name"] for e in found} == expected
        assert said(found) == [f"database {one} renamed breaking" for one in sorted(expected)]
        # Each is known as what it was: what changes in one is told of the right one, and of nothing else.
        for now in called.values():
            settled(postgres, f"{name}_{now}", "CREATE TABLE later (a int)")
        told: list[tuple[str | None, str]] = []
        assert eventually(lambda: told.extend((e.database, e.object) for e in watch.check()) or len(told) >= len(called), 30)
        assert sorted(told, key=str) == sorted((f"{name}_{now}", "public.later") for now in called.values())
        assert watch.check() == []
        kept = {key for (key,) in watch.journal._db.execute("SELECT key FROM memory WHERE collector = 'postgres.schema'")}
        assert {key.split(":")[1] for key in kept if ":" in key} == {f"{name}_{now}" for now in called.values()}
        watch.scheduler.stop()


def test_database_that_takes_no_connections_is_not_gone(server: Watch, postgres: Postgres, name: str) -> None:
    postgres.execute(f"CREATE DATABASE {name}")
    settled(postgres, name, "CREATE TABLE t (a int)")
    server.check()
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    assert server.check() == []
    assert server.page().value("tocsin_schema_unseen", database=name, object_kind="database") == 1
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert server.check() == []
    assert server.page().value("tocsin_schema_objects", database=name, object_kind="table") == 1


def test_one_database_that_cannot_be_read_hides_no_change_in_another(server: Watch, postgres: Postgres, name: str) -> None:
    for one in ("a", "b"):
        postgres.execute(f"CREATE DATABASE {name}_{one}")
    server.check()
    postgres.execute(f"ALTER DATABASE {name}_a CONNECTION LIMIT 0", "CREATE ROLE track_plain LOGIN")
    settled(postgres, f"{name}_b", "CREATE TABLE t (a int)")
    try:
        assert until_told(server, "table public.t added safe")
    finally:
        postgres.execute("DROP ROLE track_plain")


def test_what_privileges_hide_is_not_dropped(postgres: Postgres, name: str, tmp_path: Path) -> None:
    role = f"{name}_role"
    postgres.execute(f"CREATE DATABASE {name}", f"CREATE ROLE {role} LOGIN")
    settled(postgres, name, "CREATE SCHEMA inner_part", "CREATE TABLE inner_part.t (a int)", "CREATE TABLE u (a int)")
    try:
        chosen = DatabaseFilter(include=(f"^{name}$",))
        with Watch(postgres_options(postgres.dsn(user=role), databases=chosen), tmp_path / "state") as watch:
            assert watch.check() == []
            assert watch.page().value("tocsin_schema_objects", object_kind="table") == 2
            # pg_catalog shows what a role may not use.
            settled(postgres, name, "REVOKE ALL ON SCHEMA inner_part, public FROM PUBLIC", "CREATE TABLE moves_the_gate (a int)")
            assert until_told(watch, "table public.moves_the_gate added safe", "grant schema public dropped breaking")
            # A database that it may not enter is not read, and is not gone.
            postgres.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
            settled(postgres, name, "ALTER TABLE u ADD COLUMN b int")
            for _ in range(2):
                assert watch.check() == []
            assert watch.record("schema").error is None
            assert not watch.page().all("tocsin_schema_info", database=name)
            postgres.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}")
            assert until_told(watch, "column public.u.b added safe", "grant database altered breaking security")
            watch.scheduler.stop()
    finally:
        postgres.execute(f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {role}")


def test_closed_gate_of_postgres_spares_the_inspection(server: Watch, postgres: Postgres, name: str) -> None:
    postgres.execute(f"CREATE DATABASE {name}")
    settled(postgres, name, "CREATE TABLE t (a int)")
    server.check()
    time.sleep(0.2)
    server.check()
    before = inspections(server, name)
    settled(postgres, name, "INSERT INTO t SELECT generate_series(1, 1000)", "UPDATE t SET a = 1", "DELETE FROM t")
    for _ in range(3):
        server.check()
    assert inspections(server, name) == before
    settled(postgres, name, "ALTER TABLE t ADD COLUMN b int")
    assert until_told(server, "column public.t.b added safe")
    assert inspections(server, name) == before + 1


def test_other_content_copied_into_the_file_is_seen_although_its_cookie_is_the_same(watch: Watch, path: Path, tmp_path: Path) -> None:
    watch.check()
    other = tmp_path / "other.db"
    change(other, "CREATE TABLE u (x TEXT)")
    path.write_bytes(other.read_bytes())
    assert said(watch.check()) == ["table t dropped destructive", "table u added safe"]
