"""What can happen to a DuckDB file and to the process that reads it: the reason, a message that helps, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from duckdb_app import MEGABYTE, App, duckdb_options, request_of
from servers import get, tocsin, until
from tocsin.errors import DeadlineError, LockedError, SetupError
from tocsin.event import Event, EventKind
from tocsin.sources.duckdb import child, damage
from tocsin.sources.duckdb import session as sessions
from tocsin.sources.duckdb.picture import MAIN, Moved, Picture, read_picture
from tocsin.sources.duckdb.session import DuckdbSession
from watching import Page, Watch, eventually


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "app"
    found.mkdir()
    return found


@pytest.fixture
def path(folder: Path) -> Path:
    """A database with tables and rows, closed."""
    found = folder / "lake.duckdb"
    with App(found) as app:
        app.execute(*(f"CREATE TABLE t{i} (a INTEGER PRIMARY KEY, b VARCHAR)" for i in range(30)))
        app.execute("INSERT INTO t0 SELECT i, repeat('x', 50) || i FROM range(20000) AS r (i)")
    return found


@contextlib.contextmanager
def watching(path: Path, **more: object) -> Iterator[Watch]:
    with Watch(duckdb_options(path, **more), path.parent.parent / f"state-{time.monotonic_ns()}") as watch:
        yield watch


def reason(path: Path) -> tuple[str, str]:
    """Return why a file is no database, and the message."""
    with watching(path) as watch:
        page = watch.scrape(5)
        assert page.value("duckdb_up") == 0
        assert not page.all("duckdb_database_size_bytes")
        error = watch.target.error
    assert error is not None
    assert page.value("tocsin_target_failing", reason=error.reason) == 1
    assert str(path) in str(error)
    return error.reason, str(error)


def failing(path: Path, **more: object) -> tuple[Page, str, str]:
    """Return the page, and why the schema cannot be read although the file answers."""
    with watching(path, **more) as watch:
        assert watch.check() == []
        page = watch.scrape()
        error = watch.record("schema").error
        assert page.value("duckdb_up") == 1
        assert page.value("duckdb_database_size_bytes") == path.stat().st_size
        assert error is not None
        assert str(path) in str(error)
        assert {str(r.error) for r in watch.target.records.values() if r.error} == {str(error)}
        return page, error.reason, str(error)


# The file


def test_missing_file(folder: Path) -> None:
    why, message = reason(folder / "lake.duckdb")
    assert why == "connect"
    assert "does not exist; check the path" in message


def test_file_of_no_length(folder: Path) -> None:
    (folder / "lake.duckdb").touch()
    why, message = reason(folder / "lake.duckdb")
    assert why == "config"
    assert "is empty: no application has made a DuckDB database of it yet" in message


@pytest.mark.parametrize("content", [b"hello, I am a text file\n" * 1000, b"short", bytes(20000), random.Random(1).randbytes(20000)])
def test_file_that_is_no_database(folder: Path, content: bytes) -> None:
    (folder / "lake.duckdb").write_bytes(content)
    said = "is not a DuckDB database; is the path the one of the application's database, or is that encrypted?"
    assert reason(folder / "lake.duckdb") == ("config", f"{folder / 'lake.duckdb'} {said}")


def test_database_of_another_engine_is_named(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "lake.duckdb")) as db:
        db.execute("CREATE TABLE t (a)")
    said = "is not a DuckDB database; it is one of sqlite: give the target `kind: sqlite`"
    assert reason(folder / "lake.duckdb") == ("config", f"{folder / 'lake.duckdb'} {said}")


def test_folder_fifo_and_device_in_the_place_of_a_file(folder: Path) -> None:
    (folder / "folder.duckdb").mkdir()
    os.mkfifo(folder / "fifo.duckdb")
    (folder / "device.duckdb").symlink_to("/dev/zero")
    for name in ("folder", "fifo", "device"):
        file = folder / f"{name}.duckdb"
        assert reason(file) == ("config", f"{file} is not a file; the path of a target is that of the database file itself")


def test_file_that_ends_within_its_headers(path: Path) -> None:
    os.truncate(path, 5000)
    why, message = reason(path)
    assert why == "config"
    assert "is damaged: it ends within its headers, after 5000 bytes; restore it from a backup" in message


@pytest.mark.parametrize("how", ["truncated", "blocks", "headers"])
def test_damaged_file_is_told_and_nothing_is_reported_as_dropped(path: Path, how: str) -> None:
    with watching(path, full_inspection_every=0.001) as watch:
        watch.check()
        data = bytearray(path.read_bytes())
        match how:
            case "truncated":
                del data[12288 + 1000 :]
            case "blocks":
                data[12288:] = b"\xa5" * (len(data) - 12288)
            case "headers":
                data[4200:4300] = data[8300:8400] = b"\xa5" * 100
        path.write_bytes(data)
        sessions._known_of(watch.options).look = None
        assert watch.check() == []
        error = watch.record("schema").error
        assert error is not None
        assert error.reason == "config"
        assert f"{path} is damaged; restore it from a backup" in str(error)
        assert "nolock" not in str(error)
        assert watch.scrape(5).value("tocsin_collector_failing", collector="duckdb.schema", reason="config") == 1


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


def test_file_and_log_that_we_may_not_read(path: Path) -> None:
    for parent in path.parents:
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    log = path.with_name("lake.duckdb.wal")
    with App(path) as app, watching(path) as watch:
        app.execute("CREATE TABLE logged (a INTEGER)")
        for secret in (path, log):
            secret.chmod(0o000)
            with as_another_user():
                page = watch.scrape()
            assert page.value("tocsin_target_failing", reason="permission") == 1
            assert str(watch.target.error) == f"{secret} may not be read by this user; give tocsin's user read permission on it"
            secret.chmod(0o644)
        assert watch.scrape().value("duckdb_up") == 1


def test_encrypted_file_is_a_state_of_its_own(folder: Path) -> None:
    path, plain = folder / "lake.duckdb", folder / "other.duckdb"
    with App(plain) as app:
        app.execute(
            "SET force_mbedtls_unsafe = 'true'", f"ATTACH '{path}' AS safe (ENCRYPTION_KEY 'hunter2')", "CREATE TABLE safe.t (a INTEGER)"
        )
    page, why, message = failing(path)
    assert why == "config"
    assert "is encrypted: only its size, log and lock can be watched; switch off the other collectors" in message
    assert page.value("duckdb_state", state="encrypted") == 1
    assert page.value("duckdb_state", state="unlocked") == 0
    assert page.value("duckdb_file_info", encrypted="yes") == 1
    assert page.value("duckdb_checkpoints_total") is None
    with watching(path, collectors={"storage": False, "schema": False}) as watch:
        watch.check()
        assert watch.scrape().value("duckdb_state", state="encrypted") == 1


def checksum(block: bytes) -> int:
    """Return DuckDB's checksum of a header: 64-bit words, each times a constant, put together."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        found ^= word * 0xBF58476D1CE4E5B9 & 2**64 - 1
    return found


def set_storage_version(path: Path, version: int) -> None:
    data = bytearray(path.read_bytes())
    assert struct.unpack_from("<Q", data)[0] == checksum(bytes(data[8:4096])), "this is not how DuckDB computes it"
    struct.pack_into("<Q", data, 12, version)
    struct.pack_into("<Q", data, 0, checksum(bytes(data[8:4096])))
    path.write_bytes(data)


def test_storage_version_of_a_library_to_come_is_a_state_of_its_own_until_it_is_mended(path: Path) -> None:
    (version,) = struct.unpack_from("<Q", path.read_bytes(), 12)
    set_storage_version(path, 1234567)
    page, why, message = failing(path)
    assert why == "config"
    assert "has storage version 1234567, which DuckDB" in message
    assert "install beside tocsin the duckdb package that its application uses" in message
    assert page.value("duckdb_state", state="unsupported_format") == 1
    assert page.value("duckdb_storage_version") == 1234567
    with watching(path) as watch:
        watch.check()
        assert watch.scrape().value("duckdb_state", state="unsupported_format") == 1
        set_storage_version(path, version)
        assert watch.scrape().value("duckdb_state", state="unsupported_format") == 0
        watch.check()
        assert watch.scrape().value("tocsin_collector_success", collector="duckdb.schema") == 1


@pytest.mark.parametrize("place", ["file's header", "database's headers"])
def test_unknown_storage_version_is_no_damage_although_the_checksum_does_not_hold(path: Path, place: str) -> None:
    """As it looks when the version was written by hand, or when a format to come has other checksums."""
    data = bytearray(path.read_bytes())
    for at in (12,) if place == "file's header" else (4096 + 56, 8192 + 56):
        struct.pack_into("<Q", data, at, 4321)
    path.write_bytes(data)
    page, why, message = failing(path)
    assert why == "config"
    assert "has storage version 4321, which DuckDB" in message
    assert "install beside tocsin the duckdb package that its application uses" in message
    assert "checksum" not in message
    assert "damaged" not in message
    assert page.value("duckdb_state", state="unsupported_format") == 1
    assert page.value("duckdb_storage_version") == 4321


def test_known_storage_version_behind_a_wrong_checksum_is_damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 12, 66)
    path.write_bytes(data)
    page, why, message = failing(path)
    assert why == "config"
    assert f"{path} is damaged; restore it from a backup" in message
    assert page.value("duckdb_state", state="unsupported_format") == 0


def test_block_that_was_being_written_is_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint adds to blocks in use before it writes its header: read in that moment, they look damaged to a query alone."""
    torn = False
    original = Picture.read

    def read(picture: Picture, name: str, amount: int, offset: int) -> bytes:
        nonlocal torn
        data = original(picture, name, amount, offset)
        if picture.attached and not torn and amount > 100_000:  # type: ignore[attr-defined]
            torn, data = True, data[:-100] + bytes(100)
        return data

    attach = child._opened

    @contextlib.contextmanager
    def opened(picture: Picture, request: dict[str, object]) -> Iterator[object]:
        picture.attached = False  # type: ignore[attr-defined]
        with attach(picture, request) as connection:
            picture.attached = True  # type: ignore[attr-defined]
            yield connection

    monkeypatch.setattr(Picture, "read", read)
    monkeypatch.setattr(child, "_opened", opened)
    query = {"sql": "SELECT count(*), max(length(b)) FROM t0", "rows": 2}
    answer, _ = child.answered(request_of(path, look=False, queries=[query]))
    assert torn
    assert answer["results"] == [{"columns": ["count_star()", "max(length(b))"], "rows": [("20000", "55")]}]


@pytest.mark.parametrize("copy_limit", [0, 64 * MEGABYTE], ids=["in place", "copying"])
def test_block_that_a_busy_writer_leaves_half_written_for_a_while_is_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch, copy_limit: int
) -> None:
    looks = 0
    original, attach = Picture.read, child._opened

    def read(picture: Picture, name: str, amount: int, offset: int) -> bytes:
        data = original(picture, name, amount, offset)
        return bytes(len(data)) if 1 <= looks <= 4 and name == MAIN and offset >= 12288 else data

    def opened(picture: Picture, request: dict[str, object]) -> contextlib.AbstractContextManager[object]:
        nonlocal looks
        looks += 1
        if looks <= 4:
            picture._copies = {}
        return attach(picture, request)

    monkeypatch.setattr(Picture, "read", read)
    monkeypatch.setattr(child, "_opened", opened)
    with App(path):
        answer, _ = child.answered(request_of(path, copy_limit=copy_limit))
    assert looks > 4
    assert answer["copied"] is bool(copy_limit)
    assert answer["facts"]["objects"]["table"] == 30


@contextlib.contextmanager
def metadata_being_written(path: Path, enough: threading.Event) -> Iterator[None]:
    """Leave the first block of metadata for some time as a checkpoint does for a moment: pages are written, others not yet."""
    with path.open("rb+", buffering=0) as file:
        whole = os.pread(file.fileno(), 4096, 16384)

        def write() -> None:
            while not enough.wait(0.002):
                os.pwrite(file.fileno(), os.urandom(4096), 16384)
            os.pwrite(file.fileno(), whole, 16384)

        os.pwrite(file.fileno(), os.urandom(4096), 16384)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            enough.set()
            writer.join()


@pytest.mark.parametrize("copy_limit", [0, 64 * MEGABYTE], ids=["in place", "copying"])
def test_block_that_changes_is_no_damage_however_long_it_takes(path: Path, monkeypatch: pytest.MonkeyPatch, copy_limit: int) -> None:
    monkeypatch.setattr(damage, "_STILL", 0.05)
    complaints, enough, settle = 0, threading.Event(), damage.Doubt.settle

    def counted(doubt: damage.Doubt, error: Exception) -> None:
        nonlocal complaints
        complaints += 1
        if complaints == 5:
            enough.set()
        settle(doubt, error)

    monkeypatch.setattr(damage.Doubt, "settle", counted)
    with App(path), metadata_being_written(path, enough):
        answer, _ = child.answered(request_of(path, copy_limit=copy_limit))
    assert complaints >= 5
    assert answer["facts"]["objects"]["table"] == 30


def test_application_that_closes_a_file_right_after_it_was_read_half_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has it open any more when the library refuses the copy; what was copied is no damage for all that."""
    whole = path.read_bytes()[16384:20480]
    copy, copies = Picture.copy, 0

    with App(path) as app, path.open("rb+", buffering=0) as file:
        os.pwrite(file.fileno(), b"\xa5" * 4096, 16384)

        def finish(picture: Picture) -> None:
            nonlocal copies
            copy(picture)
            copies += 1
            if copies == 1:
                os.pwrite(file.fileno(), whole, 16384)
                app.close()

        monkeypatch.setattr(Picture, "copy", finish)
        answer, _ = child.answered(request_of(path))
    assert copies == 2
    assert answer["facts"]["objects"]["table"] == 30


def test_damage_is_told_beside_an_application_that_has_the_file_open(path: Path) -> None:
    with App(path), path.open("rb+", buffering=0) as file:
        os.pwrite(file.fileno(), b"\xa5" * 4096, 16384)
        began = time.monotonic()
        with pytest.raises(SetupError, match=r"lake.duckdb is damaged; restore it from a backup.* at location 12288"):
            child.answered(request_of(path))
        assert time.monotonic() - began >= damage._STILL, "it may have been in the midst of a checkpoint"
        with pytest.raises(SetupError, match=r"lake.duckdb is damaged"):
            child.answered(request_of(path, seconds=2.0))  # less time, but an answer all the same


def test_damage_of_rows_is_told_although_checkpoints_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = {"sql": "SELECT max(length(b)) FROM t0", "rows": 2}
    pause, checkpoints = damage.Doubt.pause, 0
    with App(path) as app, path.open("rb+", buffering=0) as file:

        def checkpoint(doubt: damage.Doubt) -> float:
            nonlocal checkpoints
            checkpoints += 1
            app.execute(f"INSERT INTO t1 VALUES ({checkpoints}, 'x')", "CHECKPOINT")
            return pause(doubt)

        monkeypatch.setattr(damage.Doubt, "pause", checkpoint)
        ((block,),) = app.execute("SELECT max(block_id) FROM pragma_storage_info('t0') WHERE column_name = 'b' AND persistent")
        place = 12288 + int(block) * 262144
        os.pwrite(file.fileno(), b"\xa5" * 4096, place + 4096)
        answer, _ = child.answered(request_of(path, look=False, queries=[query]))
    assert checkpoints > 2
    assert f"in block at location {place}" in answer["results"][0]["error"]["message"]


def test_copy_reads_blocks_as_a_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with App(path) as app:
        app.execute("INSERT INTO t1 SELECT i, md5(i::VARCHAR) FROM range(100000) AS r (i)")
    read, places = Picture.read, []

    def noted(picture: Picture, name: str, amount: int, offset: int) -> bytes:
        places.append(offset)
        return read(picture, name, amount, offset)

    monkeypatch.setattr(Picture, "read", noted)
    with contextlib.closing(Picture(path)) as picture:
        picture.copy()
        assert picture.read(MAIN, picture.sizes[MAIN], 0) == path.read_bytes()
    assert len(places) > 4
    assert {(at - 12288) % 262144 for at in places if at} == {0}


def test_file_that_is_replaced_while_it_is_read_is_read_again(path: Path, folder: Path) -> None:
    fresh = folder / "fresh.duckdb"
    with App(fresh) as app:
        app.execute("CREATE TABLE only_one (a INTEGER)")
    tries = 0

    def replace(picture: Picture) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            fresh.rename(path)
        return picture.sizes[MAIN]

    assert read_picture(path, replace, time.monotonic() + 5) == path.stat().st_size
    assert tries == 2


def test_replaced_file_is_compared_and_a_deleted_one_is_down(path: Path, folder: Path) -> None:
    fresh = folder / "fresh.duckdb"
    with App(fresh) as app:
        app.execute(*(f"CREATE TABLE t{i} (a INTEGER PRIMARY KEY, b VARCHAR)" for i in range(29)))
    with watching(path) as watch:
        watch.check()
        fresh.rename(path)
        assert [(e.object, e.change) for e in eventually_events(watch)] == [("main.t29", "dropped")]
        kept = path.read_bytes()
        path.unlink()
        assert eventually_events(watch) == []
        assert watch.scrape().value("tocsin_target_failing", reason="connect") == 1
        path.write_bytes(kept)
        assert eventually_events(watch) == []
        assert watch.scrape().value("duckdb_up") == 1


def eventually_events(watch: Watch) -> list[Event]:
    """Look at the file anew and return what is told of its schema; what befalls the file itself is another collector's."""
    sessions._known_of(watch.options).look = None
    return [e for e in watch.check() if e.kind is EventKind.SCHEMA]


def test_application_that_was_killed_leaves_a_log_that_is_read(folder: Path) -> None:
    path = folder / "lake.duckdb"
    with App(path) as app:
        app.execute("CREATE TABLE done (a INTEGER)", "BEGIN", "CREATE TABLE undone (a INTEGER)")
        app.process.kill()
        app.process.wait()
    with watching(path) as watch:
        watch.check()
        page = watch.scrape()
    assert page.value("duckdb_state", state="unlocked") == 1
    assert page.value("duckdb_wal_size_bytes") == path.with_name("lake.duckdb.wal").stat().st_size > 0
    assert page.value("tocsin_schema_objects", object_kind="table") == 1


def test_torn_end_of_a_log_is_left_out(path: Path) -> None:
    log = path.with_name("lake.duckdb.wal")
    with App(path) as app:
        app.execute("CREATE TABLE whole (a INTEGER)")
        whole = log.stat().st_size
        app.execute("CREATE TABLE torn (a INTEGER)")
        app.process.kill()
        app.process.wait()
    os.truncate(log, whole + 20)
    answer, _ = child.answered(request_of(path))
    assert answer["facts"]["objects"]["table"] == 31


# Checkpoints that come between


def test_checkpoint_during_the_reading_leads_to_a_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Picture.verify
    tries: list[bool] = []

    def verify(self: Picture) -> None:
        tries.append(self.is_copy)
        if len(tries) == 1:
            raise Moved
        original(self)

    monkeypatch.setattr(Picture, "verify", verify)
    answer, _ = child.answered(request_of(path))
    assert answer["copied"]
    assert answer["facts"]["objects"]["table"] == 30
    tries.clear()
    answer, _ = child.answered(request_of(path, copy_limit=1000))
    assert not answer["copied"]


def test_checkpoints_without_end_are_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(self: Picture) -> None:
        raise Moved

    monkeypatch.setattr(Picture, "verify", verify)
    with pytest.raises(LockedError, match=r"lake.duckdb was checkpointed each time .* copy_limit"):
        child.answered(request_of(path, copy_limit=0))
    with pytest.raises(LockedError, match=r"lake.duckdb is being checkpointed all the time"):
        read_picture(path, lambda _: None, time.monotonic() + 1)


def test_bytes_of_a_block_that_a_checkpoint_freed_are_never_used(path: Path) -> None:
    with App(path) as app, contextlib.closing(Picture(path)) as picture:
        picture.read(MAIN, 100, 20000)
        app.execute("CREATE TABLE more (a INTEGER)", "CHECKPOINT")
        with pytest.raises(Moved):
            picture.read(MAIN, 100, 20000)


# The reading process


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started to read."""
    found: list[subprocess.Popen[bytes]] = []
    original = subprocess.Popen

    def start(*args: object, **more: object) -> subprocess.Popen[bytes]:
        found.append(original(*args, **more))  # type: ignore[call-overload]
        return found[-1]

    monkeypatch.setattr(sessions.subprocess, "Popen", start)
    return found


def look(path: Path, seconds: float = 30, **more: object) -> sessions.Look:
    return DuckdbSession(duckdb_options(path, **more))._take_look(time.monotonic() + seconds)


def test_reading_that_needs_too_much_memory_says_so(folder: Path) -> None:
    path = folder / "lake.duckdb"
    with App(path) as app:
        columns = ", ".join(f"c{i} VARCHAR DEFAULT 'some text that takes its place'" for i in range(100))
        app.execute("BEGIN", *(f"CREATE TABLE t{i} ({columns})" for i in range(600)), "COMMIT")
    assert look(path).schema().counts()["column"] == 60000
    with pytest.raises(SetupError, match="memory_limit"):
        look(path, memory_limit=64 * MEGABYTE)


PRETENDERS: dict[str, tuple[str, type[Exception], str]] = {
    "hangs": ("import time; time.sleep(100)", DeadlineError, "took longer"),
    "hangs and ignores signals": ("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(100)", DeadlineError, "took longer"),
    "crashes": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", SetupError, "was killed by SIGSEGV"),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", DeadlineError, "ran out of memory"),
    "lacks the package": ("import no_such_package", SetupError, "ended with status 1"),
    "has children": ("import os, time; os.fork(); time.sleep(100)", DeadlineError, "took longer"),
}


@pytest.mark.parametrize("what", PRETENDERS)
def test_process_that(what: str, path: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    script, kind, message = PRETENDERS[what]
    monkeypatch.setattr(sessions, "_COMMAND", (sys.executable, "-c", script))
    with pytest.raises(kind, match=message) as told:
        look(path, seconds=1.5)
    assert str(path) in str(told.value)
    (process,) = started
    assert process.poll() is not None
    assert eventually(lambda: not in_group(process.pid)), "a process is left"


def test_process_that_talks_without_end_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_COMMAND", (sys.executable, "-c", "while True: print('x' * 10000)"))
    monkeypatch.setattr(sessions, "_MOST_BYTES", MEGABYTE)
    with pytest.raises(Exception, match="said more than 1 MiB"):
        look(path)


def in_group(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_process_writes_no_file_and_knows_no_secret_of_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    with sessions._child() as process:
        assert process.stdin is not None
        environment = until(lambda: Path(f"/proc/{process.pid}/environ").read_bytes())
        assert b"hunter2" not in environment
        process.stdin.write(b"{")  # it waits for the rest of the line
        process.stdin.flush()
    request = request_of(path, look=False, queries=[{"sql": "SELECT 1 AS n", "rows": 1}])
    script = (
        "from tocsin.sources.duckdb import child\nchild._limit(5, 2**29)\n"
        f"print(child.answered({request!r})[0]['results'])\nwith open('{path}.x', 'w') as f: f.write('x')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "'rows': [('1',)]" in done.stdout
    assert "File too large" in done.stderr


def test_process_ends_by_itself_when_its_time_is_over(path: Path) -> None:
    """Also when nobody is left to kill it."""
    request = request_of(path, seconds=0.7, look=False, queries=[{"sql": "SELECT count(*) FROM range(1000000000000)", "rows": 1}] * 3)
    process = subprocess.Popen(sessions._COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    import json

    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    assert process.wait(20) in (-signal.SIGALRM, 0)
    process.stdin.close()


def test_process_ends_when_the_exporter_is_killed(path: Path, tmp_path: Path) -> None:
    """kill -9 of the exporter in the midst of a reading: nothing is left, neither process nor file."""
    config = tmp_path / "tocsin.yaml"
    slow = (
        "{name: slow, sql: SELECT count(*) AS n FROM range(1000000000000), every: 1s, timeout: 60s, metrics: {n: {name: lake_n, help: N.}}}"
    )
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\n'
        f"targets:\n  - {{name: lake, kind: duckdb, path: {path}, collectors: {{schema: false, storage: false}}, queries: [{slow}]}}\n"
    )
    before = sorted(p.name for p in path.parent.iterdir())
    with tocsin(config, tmp_path) as (url, exporter):
        get(f"{url}/metrics")
        readers: list[psutil.Process] = until(lambda: reading(exporter.process.pid))
        exporter.process.kill()
        exporter.process.wait(10)
        assert eventually(lambda: not any(alive(r) for r in readers), 20)
    assert sorted(p.name for p in path.parent.iterdir()) == before


def reading(exporter: int) -> list[psutil.Process]:
    return [c for c in psutil.Process(exporter).children(recursive=True) if "tocsin.sources.duckdb.child" in " ".join(c.cmdline())]


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_locks_that_nobody_knows_are_no_state(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock: Callable[[Picture], None] = lambda _: None  # noqa: E731 -- as on a file system without locks
    monkeypatch.setattr(Picture, "lock", lock)
    with watching(path) as watch:
        page = watch.scrape()
    assert page.value("duckdb_up") == 1
    assert page.all("duckdb_state") == []
    assert page.all("duckdb_write_locked") == []
