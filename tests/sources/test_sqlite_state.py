"""What can be told about a SQLite file from outside: its format, its log, who locks it, and what the slow checks find."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers import until
from tocsin.sources.sqlite.overlay import Picture
from tocsin.sources.sqlite.session import SqliteSession
from watching import Page, Watch, sqlite_options

STATES = ("none", "shared", "reserved", "pending", "exclusive")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder / "app.db"


@contextlib.contextmanager
def watching(path: Path, **options: Any) -> Iterator[Watch]:
    with Watch(sqlite_options(path, **options), path.parent.parent / f"state-{time.monotonic_ns()}") as watch:
        yield watch


class Application:
    """Another process with a connection of its own: it does what it is told, statement by statement."""

    SCRIPT = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
reading = None
for line in sys.stdin:
    try:
        if line.startswith("read "):
            reading = db.execute(line[5:])
            reading.fetchone()
        elif line == "done\\n":
            reading.close()
        else:
            db.execute(line).fetchall()
        print("ok", flush=True)
    except sqlite3.Error as error:
        print(error, flush=True)
"""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *statements: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        answer = ""
        for statement in statements:
            self.process.stdin.write(statement + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        return answer

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@contextlib.contextmanager
def application(path: Path) -> Iterator[Application]:
    found = Application(path)
    try:
        yield found
    finally:
        with contextlib.suppress(BrokenPipeError):
            found.process.stdin.close()  # type: ignore[union-attr]
        found.process.wait(10)
        found.process.stdout.close()  # type: ignore[union-attr]


def state(page: Page) -> str:
    found = {labels["state"]: value for labels, value in page.all("sqlite_lock_state")}
    assert set(found) == set(STATES)
    (one,) = [name for name, value in found.items() if value == 1]
    return one


# Format


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("vacuum", ["none", "full", "incremental"])
def test_format_is_what_the_pragmas_say(path: Path, encoding: str, vacuum: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA encoding = '{encoding}'")
        db.execute(f"PRAGMA auto_vacuum = {vacuum}")
        db.execute("PRAGMA default_cache_size = -700")
        db.execute("CREATE TABLE t (a)")
        db.execute("CREATE INDEX i ON t (a DESC)")
        with watching(path) as watch:
            page = watch.scrape()
        version = sqlite3.sqlite_version
    ((labels, value),) = page.all("sqlite_format_info")
    assert value == 1
    assert (labels["encoding"], labels["auto_vacuum"], labels["schema_format"]) == (encoding, vacuum, "4")
    assert labels["written_by"] == version
    assert page.value("sqlite_default_cache_pages") == 700
    assert page.value("sqlite_change_counter") == int.from_bytes(path.read_bytes()[24:28], "big")


# The log


def test_log_tells_what_was_applied_and_what_readers_hold_back(path: Path) -> None:
    with application(path) as writer, application(path) as reader, watching(path) as watch:
        writer("PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)")

        def log() -> tuple[float | None, ...]:
            page = watch.scrape()
            checkpointed, blocked = (page.value(f"sqlite_wal_{what}_frames") for what in ("checkpointed", "blocked"))
            return checkpointed, blocked, page.value("sqlite_wal_frames")

        frames = log()[2]
        assert frames
        assert log() == (0, 0, frames)
        assert reader("BEGIN", "read SELECT * FROM t") == "ok"
        for _ in range(5):
            writer("INSERT INTO t VALUES (3)")
        writer("PRAGMA wal_checkpoint(PASSIVE)")
        assert log() == (frames, 5, frames + 5)
        reader("done", "COMMIT")
        assert log() == (frames, 0, frames + 5)
        writer("PRAGMA wal_checkpoint(PASSIVE)")
        assert log() == (frames + 5, 0, frames + 5)
        salt = watch.scrape().value("sqlite_wal_salt")
        writer("INSERT INTO t VALUES (4)")
        assert log() == (0, 0, 1)
        assert watch.scrape().value("sqlite_wal_salt") == (salt or 0) + 1
        writer("PRAGMA wal_checkpoint(TRUNCATE)")
        assert log() == (0, 0, 0)
        reader.kill()
        writer("PRAGMA journal_mode = DELETE")
        assert watch.scrape().all("sqlite_wal_frames") == []


def test_log_whose_index_nobody_else_sees_has_frames_and_no_progress(path: Path) -> None:
    with application(path) as app, watching(path) as watch:
        app("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t (a)")
        time.sleep(0.05)
        page = watch.scrape()
        assert page.value("sqlite_wal_frames") == 2
        assert page.all("sqlite_wal_checkpointed_frames") == []
        assert state(page) == "exclusive"


# Locks


def test_every_state_of_a_rollback_database_is_told(path: Path) -> None:
    with application(path) as writer, application(path) as reader, watching(path) as watch:
        writer("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)")
        assert state(watch.scrape()) == "none"
        reader("BEGIN", "read SELECT * FROM t")
        assert state(watch.scrape()) == "shared"
        writer("BEGIN IMMEDIATE", "INSERT INTO t VALUES (3)")
        page = watch.scrape()
        assert state(page) == "reserved"
        assert page.value("sqlite_lock_holder_pid") == writer.process.pid
        assert writer("COMMIT") == "database is locked"  # by the reader: it waits in front of the exclusive lock
        assert state(watch.scrape()) == "pending"
        reader("done", "COMMIT")
        assert writer("COMMIT") == "ok"
        page = watch.scrape()
        assert state(page) == "none"
        assert page.all("sqlite_lock_holder_pid") == []
        writer("BEGIN EXCLUSIVE")
        assert state(watch.scrape()) == "exclusive"


def test_writer_of_a_log_is_reserved_and_readers_are_shared(path: Path) -> None:
    with application(path) as writer, watching(path) as watch:
        writer("PRAGMA journal_mode = WAL", "CREATE TABLE t (a)")
        assert state(watch.scrape()) == "shared"
        writer("BEGIN IMMEDIATE")
        page = watch.scrape()
        assert state(page) == "reserved"
        assert page.value("sqlite_lock_holder_pid") == writer.process.pid
        assert page.value("sqlite_wal_checkpoint_running") == 0
        writer("COMMIT")
        assert state(watch.scrape()) == "shared"


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_time_of_a_lock_is_counted_until_a_commit_or_another_holder(path: Path, mode: str) -> None:
    with application(path) as one, application(path) as other, watching(path) as watch:

        def held() -> float:
            found = watch.scrape().value("sqlite_lock_held_seconds")
            assert found is not None
            return found

        one(f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (a)")
        assert held() == 0
        one("BEGIN IMMEDIATE")
        assert held() < 0.2
        time.sleep(0.4)
        assert held() >= 0.4
        one("INSERT INTO t VALUES (1)")
        assert held() >= 0.4, "it is the same transaction"
        one("COMMIT", "BEGIN IMMEDIATE")
        assert held() < 0.2
        time.sleep(0.2)
        one("ROLLBACK")
        other("BEGIN IMMEDIATE")
        assert held() < 0.2
        other("ROLLBACK")
        assert held() == 0


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_asking_for_locks_gets_in_nobodys_way(path: Path, mode: str) -> None:
    """The application takes and releases its locks while somebody asks without a pause."""
    with application(path) as app, watching(path, collectors={"database": False}) as watch:
        app(f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (a)")
        for i in range(300):
            assert app("BEGIN IMMEDIATE", f"INSERT INTO t VALUES ({i})", "COMMIT") == "ok"
            watch.scrape()
        assert app("BEGIN EXCLUSIVE", "COMMIT") == "ok"
        assert {p.name for p in path.parent.iterdir()} <= {"app.db", "app.db-wal", "app.db-shm"}


def test_journal_of_a_living_writer_is_not_hot_and_that_of_a_dead_one_is(path: Path) -> None:
    with application(path) as app, watching(path) as watch:
        app("CREATE TABLE t (a)", "PRAGMA cache_size = 1", "BEGIN IMMEDIATE")
        app("INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT randomblob(900) FROM n")
        page = watch.scrape()
        assert path.with_name("app.db-journal").stat().st_size > 512
        assert page.value("sqlite_hot_journal") == 0
        assert state(page) == "exclusive"
        assert page.value("sqlite_up") == 1
        assert page.value("tocsin_collector_failing", collector="sqlite.database", reason="locked") == 1
        app.kill()
        page = watch.scrape()
        assert page.value("sqlite_hot_journal") == 1
        assert state(page) == "none"
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
        page = watch.scrape()
        assert page.value("sqlite_hot_journal") == 0
        assert page.value("sqlite_pages") == 2


# Slow checks


def test_rows_are_counted_exactly_and_the_largest_are_shown(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        for i in range(120):
            db.execute(f'CREATE TABLE "t ""{i}" (a)')
            db.executemany(f'INSERT INTO "t ""{i}" VALUES (?)', [(1,)] * i)
        db.execute("CREATE VIRTUAL TABLE search USING fts5 (body)")
        db.commit()
    with watching(path) as watch:
        watch.check()
        page = watch.page()
    assert page.value("sqlite_tables") == page.value("sqlite_counted_tables") == 120
    assert {labels["table"]: value for labels, value in page.all("sqlite_table_rows")} == {f't "{i}': i for i in range(20, 120)}
    assert page.value("tocsin_collector_dropped_series_total", collector="sqlite.rows") == 20


def test_table_that_takes_too_long_is_left_out_and_the_others_are_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.sources.sqlite import checks

    monkeypatch.setattr(checks, "_TABLE_SECONDS", 0.05)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE huge (a)")
        db.execute(
            "INSERT INTO huge WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT zeroblob(3000) FROM n"
        )
        db.execute("CREATE TABLE small (a)")
        db.commit()
    slow = Picture.read
    monkeypatch.setattr(Picture, "read", lambda self, amount, offset: time.sleep(0.0002) or slow(self, amount, offset))
    with watching(path, collectors={"quick_check": False, "schema": False}) as watch:
        watch.check()
        page = watch.page()
    assert page.value("sqlite_tables") == 2
    assert [labels["table"] for labels, _ in page.all("sqlite_table_rows")] == ["small"]


def damage(path: Path) -> None:
    """Spoil a page of the table, so that the schema can still be read."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * 300,)] * 200)
        db.commit()
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(os.urandom(4096))


def test_quick_check_tells_damage_and_its_end(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
    with watching(path) as watch:
        watch.check()
        page = watch.page()
        assert (page.value("sqlite_quick_check_ok"), page.value("sqlite_quick_check_errors")) == (1, 0)
        first = page.value("sqlite_check_timestamp_seconds", check="quick_check")
        watch.check()
        assert watch.page().value("sqlite_check_timestamp_seconds", check="quick_check") == first, "once a day"
        damage(path.with_name("damaged"))
        path.with_name("damaged").rename(path)
        watch.check()
        page = watch.page()
        assert page.value("sqlite_quick_check_ok") == 0
        assert (page.value("sqlite_quick_check_errors") or 0) >= 1
        with contextlib.closing(sqlite3.connect(path.with_name("good"))) as db:
            db.execute("CREATE TABLE t (a)")
        path.with_name("good").rename(path)
        watch.check()
        assert watch.page().value("sqlite_quick_check_ok") == 1


def test_verdict_survives_a_restart_and_is_not_passed_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.sources.sqlite import checks

    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
    state = path.parent.parent / "state"
    with Watch(sqlite_options(path), state) as watch:
        watch.check()
        first = watch.page().value("sqlite_check_timestamp_seconds", check="quick_check")
    monkeypatch.setattr(checks, "_result", lambda *_: pytest.fail("checked again"))
    with Watch(sqlite_options(path), state) as watch:
        watch.check()
        page = watch.page()
    assert page.value("sqlite_quick_check_ok") == 1
    assert page.value("sqlite_check_timestamp_seconds", check="quick_check") == first


@pytest.mark.parametrize("why", ["size", "functions", "busy"])
def test_check_that_cannot_be_done_says_why_and_is_no_failure(path: Path, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.sources.sqlite import checks
    from tocsin.sources.sqlite.overlay import Moved

    with contextlib.closing(sqlite3.connect(path)) as db:
        db.create_collation("ours", lambda a, b: (a > b) - (a < b))
        db.execute("CREATE TABLE t (a UNIQUE COLLATE ours)" if why == "functions" else "CREATE TABLE t (a)")
        db.execute("INSERT INTO t VALUES (1)")
        db.commit()

    def moved(_connection: object) -> int:
        raise Moved

    if why == "busy":
        monkeypatch.setattr(checks, "_quick_check", moved)
    with watching(path, check_up_to=100 if why == "size" else 2**30) as watch:
        watch.check()
        page = watch.page()
    assert page.value("sqlite_check_undone", check="quick_check", reason=why) == 1
    assert page.all("sqlite_quick_check_ok") == []
    assert page.value("tocsin_collector_success", collector="sqlite.quick_check") == 1


def test_foreign_keys_are_checked_where_that_is_wanted(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TABLE child (parent REFERENCES parent)")
        db.executemany("INSERT INTO child VALUES (?)", [(i,) for i in range(7)])
        db.execute("INSERT INTO parent VALUES (3)")
        db.commit()
    with watching(path) as watch:
        watch.check()
        assert watch.page().all("sqlite_foreign_key_violations") == []
    with watching(path, collectors={"foreign_keys": True}) as watch:
        watch.check()
        assert watch.page().value("sqlite_foreign_key_violations") == 6


def test_query_that_sorts_more_than_fits_into_the_cache_works(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
        db.execute(
            "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT randomblob(600) FROM n"
        )
        db.commit()
    session = SqliteSession(sqlite_options(path))
    rows = session.read(lambda c: c.execute("SELECT a FROM t ORDER BY a").fetchall(), time.monotonic() + 30)
    assert len(rows) == 20000


def test_schemas_are_given_for_commands(path: Path) -> None:
    from tocsin import catalog

    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
    source = catalog.source("sqlite")
    assert source.schemas is not None
    ((name, schema),) = source.schemas(source.open(sqlite_options(path)), time.monotonic() + 5)
    assert name == "main"
    assert {(o.kind, o.full_name) for o in schema.objects} == {("table", "t"), ("column", "t.a")}


def test_file_that_moves_while_it_is_read_long_is_let_go_of_soon(path: Path) -> None:
    """A long statement is interrupted when the picture is no longer one, not at its end."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
        db.commit()
        session, tries = SqliteSession(sqlite_options(path)), []

        def look(connection: Any) -> int:
            tries.append(1)
            if len(tries) == 1:
                db.execute("INSERT INTO t VALUES (1)")
                db.commit()
                connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n").fetchall()
            return len(tries)

        began = time.monotonic()
        assert until(lambda: session.read(look, time.monotonic() + 30), 40) == 2
        assert time.monotonic() - began < 20


def test_only_what_moved_is_inspected_again_and_what_it_leads_to_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.sources.sqlite import collect
    from watching import said

    asked: list[object] = []
    real = collect.objects
    monkeypatch.setattr(collect, "objects", lambda c, about, only: asked.append(only) or real(c, about, only))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db, watching(path) as watch:
        for i in range(20):
            db.execute(f"CREATE TABLE t{i} (a, b{i})")
        db.execute("CREATE VIEW v AS SELECT * FROM t7")
        watch.check()
        fingerprint = watch.page().value("tocsin_schema_fingerprint")
        db.execute("ALTER TABLE t7 ADD COLUMN c")
        db.execute("CREATE INDEX i ON t8 (a)")
        db.execute("DROP TABLE t9")
        db.execute("ALTER TABLE t10 RENAME TO named")
        told = said(watch.check())
        assert asked == [None, {"t7", "t8", "named", "v"}]
        assert sorted(told) == [
            "column t7.c added safe", "index t8.i added safe", "table t10 renamed breaking", "table t9 dropped destructive",
            "view v altered safe",
        ]  # fmt: skip
        partial = watch.page()
        assert partial.value("tocsin_schema_fingerprint") != fingerprint
    with watching(path) as watch:  # a full inspection agrees
        watch.check()
        assert watch.page().value("tocsin_schema_fingerprint") == partial.value("tocsin_schema_fingerprint")
        for kind in ("table", "column", "index", "view"):
            assert watch.page().value("tocsin_schema_objects", object_kind=kind) == partial.value("tocsin_schema_objects", object_kind=kind)
