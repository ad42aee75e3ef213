"""The SQLite source beside real writers: right values, no file left behind, no error in the application, a reason for what is wrong."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hammer import hammered
from tocsin.event import Event, EventKind
from tocsin.sources.sqlite.overlay import Picture, open_picture, read_picture
from watching import Page, Watch, eventually, said, sqlite_options


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The application's folder; what the exporter keeps lies elsewhere."""
    found = tmp_path / "app"
    found.mkdir()
    return found


@contextlib.contextmanager
def watching(path: Path) -> Iterator[Watch]:
    with Watch(sqlite_options(path), path.parent.parent / f"state-{time.monotonic_ns()}") as watch:
        yield watch


def scraped(path: Path) -> Page:
    """Collect everything once, the schema included; everything must succeed, and leave the folder as it was."""
    before = listing(path.parent)
    with watching(path) as watch:
        watch.check()
        page = watch.scrape()
        assert not [r.error for r in watch.target.records.values() if r.error]
    assert page.value("sqlite_up") == 1
    assert listing(path.parent) == before
    return page


def schema_events(watch: Watch) -> list[Event]:
    """Check everything and return what is told of the schema: what befalls the file is another collector's."""
    return [e for e in watch.check() if e.kind is EventKind.SCHEMA]


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return every file with what would tell that somebody touched it."""
    return {p.name: (s.st_ino, s.st_size, s.st_mtime_ns) for p in sorted(folder.iterdir()) if (s := p.stat())}


def reason(path: Path) -> tuple[str, str]:
    """Return why a file cannot be read, and the message."""
    with watching(path) as watch:
        page = watch.scrape(5)
        assert page.value("sqlite_up") == 0
        assert page.value("tocsin_collector_success", collector="sqlite.database") == 0
        assert not page.all("sqlite_database_size_bytes")
        error = watch.target.error
    assert error is not None
    assert page.value("tocsin_target_failing", reason=error.reason) == 1
    assert str(path) in str(error)
    return error.reason, str(error)


def pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


SERIES = {
    "sqlite_page_size_bytes": "page_size",
    "sqlite_pages": "page_count",
    "sqlite_freelist_pages": "freelist_count",
    "sqlite_schema_version": "schema_version",
    "sqlite_user_version": "user_version",
    "sqlite_application_id": "application_id",
}


def is_what_pragmas_say(page: Page, connection: sqlite3.Connection, path: Path) -> bool:
    assert {name: page.value(name) for name in SERIES} == {name: pragma(connection, what) for name, what in SERIES.items()}
    wal = path.with_name(path.name + "-wal")
    assert page.value("sqlite_database_size_bytes") == path.stat().st_size
    assert page.value("sqlite_wal_size_bytes") == (wal.stat().st_size if wal.exists() else 0)
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    ).fetchone()[0]
    assert (page.value("tocsin_schema_objects", object_kind="table") or 0) == tables
    return True


def fill(connection: sqlite3.Connection, rows: int = 300) -> None:
    """Give a database tables, an index, free pages and versions."""
    connection.execute("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    connection.execute("CREATE INDEX IF NOT EXISTS items_by_body ON items (body)")
    connection.executemany("INSERT INTO items (body) VALUES (?)", [(f"{i} " + "x" * 400,) for i in range(rows)])
    connection.execute(f"DELETE FROM items WHERE id > {rows // 2}")
    connection.execute("PRAGMA user_version = -7")
    connection.execute("PRAGMA application_id = 1952408435")
    connection.commit()


@pytest.fixture
def app(folder: Path) -> Iterator[sqlite3.Connection]:
    """The application's own connection, in write-ahead mode, which does not checkpoint."""
    connection = sqlite3.connect(folder / "app.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    yield connection
    connection.close()


def path_of(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


# Values


@pytest.mark.parametrize("page_size", [512, 1024, 4096, 65536])
@pytest.mark.parametrize("mode", ["delete", "truncate", "persist", "wal"])
def test_values_are_those_of_the_pragmas(folder: Path, page_size: int, mode: str) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(f"PRAGMA journal_mode = {mode}")
        fill(connection)
        page = scraped(path)
        assert is_what_pragmas_say(page, connection, path)
        assert page.value("sqlite_journal_mode_info", mode="wal" if mode == "wal" else "rollback") == 1
        assert pragma(connection, "page_size") == page_size
        assert pragma(connection, "freelist_count") > 0


def test_log_that_was_never_checkpointed_is_read(app: sqlite3.Connection) -> None:
    """The main file knows nothing yet: schema cookie, page count and tables are in the log alone."""
    path = path_of(app)
    before = path.stat().st_size
    fill(app)
    assert path.stat().st_size == before
    page = scraped(path)
    assert is_what_pragmas_say(page, app, path)
    assert page.value("sqlite_pages") * 4096 > before
    app.execute("CREATE TABLE one_more (a)")
    assert is_what_pragmas_say(scraped(path), app, path)


def test_every_step_of_a_logs_life_is_read(app: sqlite3.Connection) -> None:
    path = path_of(app)
    fill(app)
    for step in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
        app.execute(f"PRAGMA wal_checkpoint({step})").fetchall()
        assert is_what_pragmas_say(scraped(path), app, path)
        fill(app, 20)  # over the same log, or a new one
        assert is_what_pragmas_say(scraped(path), app, path)
    app.execute("VACUUM")
    assert is_what_pragmas_say(scraped(path), app, path)


def test_uncommitted_changes_are_not_seen(app: sqlite3.Connection) -> None:
    path = path_of(app)
    fill(app)
    before = {name: scraped(path).value(name) for name in SERIES}
    app.execute("PRAGMA cache_size = 1")  # so that frames of the open transaction reach the log
    app.execute("BEGIN")
    app.execute("CREATE TABLE never (a)")
    app.executemany("INSERT INTO items (body) VALUES (?)", [("y" * 2000,)] * 500)
    page = scraped(path)
    assert {name: page.value(name) for name in SERIES} == before
    assert page.value("tocsin_schema_objects", object_kind="table") == 1
    app.execute("ROLLBACK")
    assert is_what_pragmas_say(scraped(path), app, path)


@pytest.mark.parametrize("rows", [5, 9000])
def test_log_is_read_without_its_index_file(app: sqlite3.Connection, folder: Path, rows: int) -> None:
    fill(app, rows)  # 9,000 rows are more frames than fit in one block of the index file
    copy = folder.parent / "copy"
    copy.mkdir()
    for name in ("app.db", "app.db-wal"):
        shutil.copy(folder / name, copy / name)
    page = scraped(copy / "app.db")
    expected = scraped(folder / "app.db")
    assert {n: page.value(n) for n in SERIES} == {n: expected.value(n) for n in SERIES}
    assert page.value("tocsin_schema_fingerprint") == expected.value("tocsin_schema_fingerprint")


def test_log_that_belongs_to_another_database_is_ignored(app: sqlite3.Connection, folder: Path) -> None:
    fill(app)
    other = folder.parent / "other"
    other.mkdir()
    with contextlib.closing(sqlite3.connect(other / "app.db")) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE theirs (a)")
    shutil.copy(folder / "app.db-wal", other / "app.db-wal")
    assert scraped(other / "app.db").value("tocsin_schema_objects", object_kind="table") == 1


def test_torn_end_of_a_log_is_left_out(app: sqlite3.Connection, folder: Path) -> None:
    fill(app)
    expected = {name: scraped(folder / "app.db").value(name) for name in SERIES}
    app.execute("CREATE TABLE torn (a)")
    app.commit()
    copy = folder.parent / "copy"
    copy.mkdir()
    for name in ("app.db", "app.db-wal"):
        shutil.copy(folder / name, copy / name)
    with (copy / "app.db-wal").open("r+b") as log:
        log.seek(-100, os.SEEK_END)
        log.write(b"\x55" * 100)
    page = scraped(copy / "app.db")
    assert {name: page.value(name) for name in SERIES} == expected
    with contextlib.closing(sqlite3.connect(copy / "app.db")) as connection:  # SQLite's own recovery agrees
        assert {name: pragma(connection, what) for name, what in SERIES.items()} == expected


def test_exclusive_locking_in_write_ahead_mode(folder: Path) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        fill(connection)
        assert not (folder / "app.db-shm").exists()
        assert is_what_pragmas_say(scraped(path), connection, path)
        connection.execute("CREATE TABLE more (a)")
        assert is_what_pragmas_say(scraped(path), connection, path)


def test_exclusive_lock_on_a_rollback_database_that_rests_is_no_obstacle(folder: Path) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        fill(connection)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        assert is_what_pragmas_say(scraped(path), connection, path)


def test_empty_file_is_an_empty_database(folder: Path) -> None:
    path = folder / "app.db"
    path.touch()
    page = scraped(path)
    assert page.value("sqlite_database_size_bytes") == 0
    assert page.value("sqlite_pages") is None
    assert page.value("tocsin_schema_objects", object_kind="table") is None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        fill(connection)
        assert is_what_pragmas_say(scraped(path), connection, path)


# What a killed application leaves

CRASH = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = " + sys.argv[2])
db.execute("PRAGMA wal_autocheckpoint = 0")
db.execute("CREATE TABLE IF NOT EXISTS done (a)")
fill = "INSERT INTO {} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT hex(randomblob(500)) FROM n"
db.execute(fill.format("done", 200))
db.execute("PRAGMA cache_size = 5")
db.execute("BEGIN IMMEDIATE")
db.execute("CREATE TABLE undone (a)")
db.execute(fill.format("undone", 400))
db.execute("UPDATE done SET a = hex(randomblob(500))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def crash(path: Path, mode: str) -> None:
    done = subprocess.run([sys.executable, "-c", CRASH, str(path), mode], timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL


def test_crashed_writers_log_shows_what_was_committed(folder: Path) -> None:
    path = folder / "app.db"
    crash(path, "wal")
    assert (folder / "app.db-wal").stat().st_size > 0
    page = scraped(path)
    assert page.value("tocsin_schema_objects", object_kind="table") == 1
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert {name: page.value(name) for name in SERIES} == {name: pragma(connection, what) for name, what in SERIES.items()}


def test_crashed_writers_half_done_transaction_is_not_read(folder: Path) -> None:
    """A hot journal: only the application may roll it back. Until then there is a state, and no value rather than a wrong one."""
    path = folder / "app.db"
    crash(path, "delete")
    assert (folder / "app.db-journal").stat().st_size > 0
    before = listing(folder)
    with watching(path) as watch:
        page = watch.scrape(5)
        watch.check()
        error = watch.record("database").error
    assert page.value("sqlite_up") == 1
    assert page.value("sqlite_hot_journal") == 1
    assert page.value("tocsin_collector_failing", collector="sqlite.database", reason="locked") == 1
    assert not page.all("sqlite_pages")
    assert error is not None
    assert "must roll back" in str(error)
    assert listing(folder) == before
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM done").fetchone() == (200,)
        page = scraped(path)
        assert is_what_pragmas_say(page, connection, path)
    assert page.value("tocsin_schema_objects", object_kind="table") == 1


def test_empty_log_of_a_crashed_reader_is_no_obstacle(folder: Path) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        fill(connection)
    (folder / "app.db-wal").touch()
    (folder / "app.db-shm").touch()
    page = scraped(path)
    assert page.value("sqlite_wal_size_bytes") == 0
    assert page.value("tocsin_schema_objects", object_kind="table") == 1


# What is wrong with a file


def test_missing_file(folder: Path) -> None:
    why, message = reason(folder / "app.db")
    assert why == "connect"
    assert "does not exist; check the path" in message


def test_missing_folder(folder: Path) -> None:
    assert reason(folder / "none" / "app.db")[0] == "connect"


@pytest.mark.parametrize("content", [b"hello, I am a text file\n" * 100, b"short", b"\x00" * 4096, random.Random(1).randbytes(8192)])
def test_file_that_is_no_database(folder: Path, content: bytes) -> None:
    """Text, too short, zeros, and what an encrypted database looks like."""
    path = folder / "app.db"
    path.write_bytes(content)
    why, message = reason(path)
    assert why == "config"
    assert "is not a SQLite database; is the path the one of the application's database, or is that encrypted?" in message


def test_database_of_another_engine_is_named(folder: Path) -> None:
    path = folder / "app.db"
    path.write_bytes(bytes(8) + b"DUCK" + bytes(20000))
    why, message = reason(path)
    assert (why, message) == ("config", f"{path} is not a SQLite database; it is one of duckdb: give the target `kind: duckdb`")


@pytest.mark.parametrize(("at", "content", "words"), [(18, b"\3\3", "file format 3"), (44, b"\0\0\0\5", "schema format 5")])
def test_file_of_a_format_to_come_is_not_read_as_if_it_were_known(folder: Path, at: int, content: bytes, words: str) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])
    why, message = reason(path)
    assert why == "config"
    assert words in message
    assert "which this SQLite does not read (2 and 4): it is damaged, or install a newer package apsw" in message


def test_folder_in_the_place_of_a_file(folder: Path) -> None:
    (folder / "app.db").mkdir()
    said = "is not a file; the path of a target is that of the database file itself"
    assert reason(folder / "app.db") == ("config", f"{folder / 'app.db'} {said}")


def test_fifo_and_device_do_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "app.db")
    began = time.monotonic()
    assert reason(folder / "app.db")[0] == "config"
    (folder / "zero.db").symlink_to("/dev/zero")
    assert reason(folder / "zero.db")[0] == "config"
    assert time.monotonic() - began < 2


def test_fifo_beside_a_database_does_not_hang(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as connection:
        fill(connection)
    os.mkfifo(folder / "app.db-journal")
    began = time.monotonic()
    scraped(folder / "app.db")
    assert time.monotonic() - began < 2


def damage(folder: Path, how: str) -> Path:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for i in range(60):
            connection.execute(f"CREATE TABLE t{i} (a, b, c, d, e, f, g, h)")
        fill(connection)
    data = bytearray(path.read_bytes())
    match how:
        case "schema":
            data[100:4096] = b"\xa5" * 3996
        case "truncated":
            del data[4096:]
        case "page size":
            data[16:18] = b"\x00\x07"
        case "header only":
            del data[100:]
    path.write_bytes(data)
    return path


def test_backup_that_was_put_in_place_while_away_is_looked_at(folder: Path, tmp_path: Path) -> None:
    """Same file, same cookie, a change of another name behind the first page."""
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for i in range(100):
            connection.execute(f"CREATE TABLE t{i} (a INTEGER, b TEXT, c TEXT, d TEXT)")
    backup = path.read_bytes()
    options = sqlite_options(path)
    for name, told in (("emial", ["column t50.emial added safe"]), ("email", ["column t50.emial renamed breaking"])):
        path.write_bytes(backup)
        with Watch(options, tmp_path / "state") as watch:
            if name == "emial":
                assert watch.check() == []
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute(f"ALTER TABLE t50 ADD COLUMN {name} TEXT")
            assert said(watch.check()) == told


@pytest.mark.parametrize("how", ["schema", "truncated", "header only"])
def test_damaged_schema_is_told_and_nothing_is_reported_as_dropped(folder: Path, how: str) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        fill(connection)
    with watching(path) as watch:
        watch.check()
        path.unlink()
        damage(folder, how)
        assert schema_events(watch) == []
        error = watch.record("schema").error
        assert error is not None
        assert error.reason == "config"
        assert "is damaged" in str(error)
        assert str(path) in str(error)
        assert watch.scrape(5).value("tocsin_collector_failing", collector="sqlite.schema", reason="config") == 1


def test_impossible_page_size_is_damage_and_not_a_mistake_of_ours(folder: Path) -> None:
    path = damage(folder, "page size")
    with watching(path) as watch:
        watch.scrape(5)
        watch.check()
        assert {r.error.reason for r in watch.target.records.values() if r.error} == {"config"}


@contextlib.contextmanager
def as_another_user() -> Iterator[None]:
    """Touch files as somebody without privileges."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def let_through(path: Path) -> None:
    """Let everybody pass the folders that lead to a test's own."""
    for parent in path.parents:
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


def test_file_that_we_may_not_read(folder: Path) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        fill(connection)
    let_through(path)
    with watching(path) as watch:
        watch.check()
        assert watch.scrape().value("sqlite_up") == 1
        path.chmod(0o000)
        with as_another_user():
            page = watch.scrape()
            read = schema_events(watch)
        assert read == []
        assert page.value("tocsin_target_failing", reason="permission") == 1
        assert str(watch.target.error) == f"{path} may not be read by this user; give tocsin's user read permission on it"
        path.chmod(0o644)
        assert watch.scrape().value("sqlite_up") == 1


def test_log_that_we_may_not_read_is_no_reason_for_stale_values(app: sqlite3.Connection, folder: Path) -> None:
    path = folder / "app.db"
    fill(app)
    let_through(path)
    with watching(path) as watch:
        watch.scrape()
        (folder / "app.db-wal").chmod(0o000)
        with as_another_user():
            page = watch.scrape()
        assert page.value("tocsin_target_failing", reason="permission") == 1
        assert "app.db-wal" in str(watch.target.error)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_read_only_folder_of_another_user(folder: Path, mode: str) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        fill(connection)
        let_through(path)
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        before = listing(folder)
        with watching(path) as watch:
            watch.check()
            watch.scrape()
            with as_another_user():
                page = watch.scrape()
                watch.check()
            assert not [r.error for r in watch.target.records.values() if r.error]
        assert listing(folder) == before
        folder.chmod(0o755)
        for file in folder.iterdir():
            file.chmod(0o644)
        assert is_what_pragmas_say(page, connection, path)


# A file that is replaced


def test_replaced_file_is_read_and_compared(folder: Path) -> None:
    path, fresh = folder / "app.db", folder / "fresh.db"
    for file, extra in ((path, ""), (fresh, ", added TEXT")):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute(f"CREATE TABLE t (a INTEGER{extra})")
            connection.execute(f"PRAGMA user_version = {len(extra)}")
    with watching(path) as watch:
        assert watch.check() == []
        assert watch.scrape().value("sqlite_user_version") == 0
        # The same schema cookie in both: the file's identity tells them apart.
        assert watch.scrape().value("sqlite_schema_version") == 1
        fresh.rename(path)
        assert [(e.object, e.change) for e in schema_events(watch)] == [("t.added", "added")]
        page = watch.scrape()
        assert (page.value("sqlite_user_version"), page.value("sqlite_schema_version")) == (12, 1)


def test_deleted_file_is_down_and_its_return_is_no_change(folder: Path) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        fill(connection)
    kept = path.read_bytes()
    with watching(path) as watch:
        watch.check()
        path.unlink()
        assert schema_events(watch) == []
        assert watch.scrape().value("tocsin_target_failing", reason="connect") == 1
        path.write_bytes(kept)
        assert schema_events(watch) == []
        assert watch.scrape().value("sqlite_up") == 1


# Beside an application that never rests


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_whole_exporter_beside_a_writer_that_never_rests(folder: Path, mode: str) -> None:
    """The collectors as they run: live series, and the schema with its gate; found changes come in pairs."""
    path = folder / "app.db"
    with hammered(path, mode) as words, watching(path) as watch:
        watch.check()
        up = 0.0
        for i in range(150):
            up += watch.scrape().value("sqlite_up") or 0
            if i % 5 == 0:
                watch.check()
        events = watch.journal.events(limit=1000)
        errors = {r.error.reason for r in watch.target.records.values() if r.error}
    assert words[-1].endswith("errors 0"), words
    assert up >= 145
    assert errors <= {"locked"}
    sides = {"a": set(), "b": set()}
    for event in events:
        if event.object.startswith("pair"):
            sides[event.object[-1]].add((event.object[:-2], event.change, event.time))
    assert len(sides["a"]) > 10
    assert sides["a"] == sides["b"]


BUSY = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
for statement in ("BEGIN EXCLUSIVE", "INSERT INTO items (body) VALUES ('from outside')", "COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)"):
    db.execute(statement).fetchall()
"""


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_application_gets_every_lock_while_a_picture_is_open(folder: Path, mode: str) -> None:
    path = folder / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        fill(connection)
    tries = 0

    def write_meanwhile(picture: Picture) -> int:
        nonlocal tries
        tries += 1
        with contextlib.closing(open_picture(picture)) as connection:
            ((before,),) = connection.execute("SELECT count(*) FROM items").fetchall()
            if tries == 1:
                subprocess.run([sys.executable, "-c", BUSY, str(path)], check=True, timeout=10)
        return int(before)

    found = read_picture(path, write_meanwhile, time.monotonic() + 5)
    assert tries > 1, "a picture that moved must be thrown away"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (found,)


def test_locks_of_this_process_on_other_databases_stay(folder: Path) -> None:
    """Closing a file drops a process's locks on it, so the watched file is one that nobody else here has open."""
    watched, ours = folder / "app.db", folder.parent / "ours.db"
    for path in (watched, ours):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            fill(connection)
    with contextlib.closing(sqlite3.connect(ours, isolation_level=None)) as own:
        own.execute("BEGIN EXCLUSIVE")
        scraped(watched)
        refused = subprocess.run([sys.executable, "-c", BUSY, str(ours)], check=False, timeout=10, capture_output=True, text=True)
        own.execute("COMMIT")
    assert "database is locked" in refused.stderr


def test_nothing_of_the_watched_file_stays_open(app: sqlite3.Connection) -> None:
    path = path_of(app)
    app.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        fill(connection)

    def open_files() -> set[str]:
        return {name for fd in Path("/proc/self/fd").iterdir() if (name := _target(fd)).startswith(str(path))}

    with watching(path) as watch:
        for _ in range(5):
            watch.scrape()
            watch.check()
            assert open_files() == set()
        os.truncate(path, 50)
        watch.scrape()
        watch.check()
        assert open_files() == set()


def _target(fd: Path) -> str:
    with contextlib.suppress(OSError):
        return str(fd.readlink())
    return ""


def test_sidecars_are_found_beside_the_file_that_a_link_leads_to(app: sqlite3.Connection, folder: Path) -> None:
    """SQLite names log and journal after the real file, wherever the path that the application opens is a link."""
    fill(app)
    link = folder.parent / "elsewhere"
    link.mkdir()
    (link / "linked.db").symlink_to(folder / "app.db")
    expected = scraped(folder / "app.db")
    page = scraped(link / "linked.db")
    assert {n: page.value(n) for n in SERIES} == {n: expected.value(n) for n in SERIES}
    assert eventually(lambda: page.value("sqlite_wal_size_bytes") == (folder / "app.db-wal").stat().st_size)
