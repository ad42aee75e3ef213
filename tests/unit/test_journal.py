"""The journal: nothing is lost, nothing is repeated, and a file that is no journal is kept."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import series
from servers import get, until
from tocsin import config
from tocsin.errors import ConfigError, JournalError
from tocsin.event import Event, EventKind, Risk
from tocsin.event_filter import Filter
from tocsin.journal import Journal
from tocsin.service import Service
from tocsin.vitals import RECENT_CHANGES
from tools import lacking


def event(name: str, **values: object) -> Event:
    given = {"kind": EventKind.SCHEMA, "object_kind": "column", "change": "dropped", "risk": Risk.DESTRUCTIVE, "database": "shop", **values}
    return Event(object=name, **given)  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal(tmp_path / "state")
    yield found
    found.close()


@contextlib.contextmanager
def opened(folder: Path, **values: float) -> Iterator[Journal]:
    found = Journal(folder, **values)  # type: ignore[arg-type]
    try:
        yield found
    finally:
        found.close()


def asides(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("journal.db.aside-*") if not p.name.endswith(("-wal", "-shm")))


# What is written


def test_ids_increase_and_an_event_comes_back_as_it_went_in(journal: Journal) -> None:
    one = event("public.orders.email", old="text", new=None, reason="Gone.", detail={"traits": ["type"], "é": "\N{SNOWMAN}"}, time=12.5)
    written = journal.commit("orders", "postgres.schema", [one, event("b"), event("c")])
    later = journal.commit("shop", "mysql.schema", [event("d")])
    ids = [e.id for e in written + later]
    assert ids == sorted(set(ids))
    assert journal.events() == written + later
    assert journal.events()[0] == event(**{**_fields(one), "name": one.object, "target": "orders", "id": ids[0]})


def _fields(of: Event) -> dict[str, object]:
    return {k: getattr(of, k) for k in ("old", "new", "reason", "detail", "time")}


def test_an_id_is_never_used_again_even_when_its_event_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path, keep_seconds=100) as journal:
        (old,) = journal.commit("t", "c", [event("a", time=1.0)])
        assert journal.prune() == 1
    with opened(tmp_path) as journal:
        (new,) = journal.commit("t", "c", [event("b")])
        assert (new.id or 0) > (old.id or 0)


def test_an_event_without_a_time_gets_the_present(journal: Journal) -> None:
    (found,) = journal.commit("t", "c", [event("a")])
    assert abs((found.time or 0) - time.time()) < 5


def test_what_a_collector_remembers_is_its_own_and_its_targets(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.commit("t", "c", [], {"k": b"\x00\xff", "gone": b"x"})
        journal.commit("t", "c", [], {"gone": None})
        journal.commit("t", "c", [], {"k": b"\x00\xfe"})
    with opened(tmp_path) as journal:
        assert journal.recall("t", "c", "k") == b"\x00\xfe"
        assert journal.recall("t", "c", "gone") is None
        assert journal.recall("t", "other", "k") is None
        assert journal.recall("other", "c", "k") is None


@pytest.mark.parametrize("bad", [{"detail": {"x": object()}}, {"object_kind": None}, {"reason": "\ud800"}], ids=["json", "null", "unicode"])
def test_an_event_that_cannot_be_written_leaves_no_event_no_memory_and_no_total(journal: Journal, bad: dict[str, object]) -> None:
    with pytest.raises((TypeError, JournalError, UnicodeError)):
        journal.commit("t", "c", [event("good"), event("bad", **bad)], {"k": b"1"})
    assert journal.events() == []
    assert journal.recall("t", "c", "k") is None
    assert journal.totals("t") == {}
    assert journal.recent_changes("t") == []
    assert journal.count == 0
    journal.commit("t", "c", [event("next")], {"k": b"2"})
    assert [e.object for e in journal.events()] == ["next"]
    assert journal.recall("t", "c", "k") == b"2"


def test_memory_that_cannot_be_written_takes_the_events_of_its_run_with_it(journal: Journal) -> None:
    with pytest.raises(JournalError):
        journal.commit("t", "c", [event("a")], {"good": b"1", "bad": "no bytes"})  # type: ignore[dict-item]
    assert journal.events() == []
    assert journal.totals("t") == {}
    assert journal.recall("t", "c", "good") is None


def test_threads_that_write_at_once_lose_nothing(journal: Journal) -> None:
    def work(name: str) -> None:
        for i in range(20):
            journal.commit(name, "c", [event(f"{name}.{i}")], {"k": b"%d" % i})

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(journal.events(limit=1000)) == journal.count == 100
    assert all(journal.recall(f"t{i}", "c", "k") == b"19" for i in range(5))
    assert [e.object for e in journal.events(Filter(target=("t3",)), limit=1000)] == [f"t3.{i}" for i in range(20)]


def test_events_are_chosen_by_id_target_kind_and_number(journal: Journal) -> None:
    for i in range(6):
        journal.commit("ab"[i % 2], "c", [event(str(i), kind=EventKind.SCHEMA if i < 4 else EventKind.NOTIFICATION)])

    def names(*chosen: Filter, **values: int) -> str:
        return "".join(e.object for e in journal.events(*chosen, **values))

    first = journal.events()[0].id or 0
    assert names() == "012345"
    assert names(since_id=first + 1) == "2345"
    assert names(limit=2) == "01"
    assert names(limit=2, newest=True) == "45"
    assert names(Filter(target=("b",))) == "135"
    assert names(Filter(kind=("notification",))) == "45"
    assert names(Filter(target=("a",), kind=("schema",)), since_id=first) == "2"
    assert names(Filter(target=("none",))) == ""


# Counters


def test_totals_survive_pruning_and_restart(tmp_path: Path) -> None:
    with opened(tmp_path, keep_seconds=100) as journal:
        journal.commit("t", "c", [event("a", time=1.0), event("b", time=2.0), event("c", change="added", risk=Risk.SAFE, database=None)])
        expected = journal.totals("t")
        assert expected[("schema", "shop", "column", "dropped", "destructive", 0)] == (2, 2.0)
        assert expected[("schema", "", "column", "added", "safe", 0)][0] == 1
        assert journal.prune() == 2
        assert journal.totals("t") == expected
    with opened(tmp_path) as journal:
        assert journal.totals("t") == expected
        assert journal.count == 1
        journal.commit("t", "c", [event("d", time=3.0)])
        assert journal.totals("t")[("schema", "shop", "column", "dropped", "destructive", 0)] == (3, 3.0)


def test_recent_changes_are_the_newest_fifty_of_one_hour(tmp_path: Path) -> None:
    now = time.time()
    with opened(tmp_path) as journal:
        journal.commit("t", "c", [event("old", time=now - 3700), event("alert", kind=EventKind.NOTIFICATION)])
        assert journal.recent_changes("t") == []
        journal.commit("t", "c", [event(str(i), time=now) for i in range(60)])
        expected = [str(i) for i in range(10, 60)]
        assert [e.object for e in journal.recent_changes("t")] == expected
    with opened(tmp_path) as journal:
        assert [e.object for e in journal.recent_changes("t")] == expected
        assert journal.recent_changes("other") == []


def test_events_older_than_the_retention_are_removed(tmp_path: Path) -> None:
    with opened(tmp_path, keep_seconds=3600) as journal:
        journal.commit("t", "c", [event("old", time=time.time() - 3700), event("young", time=time.time() - 3500)])
        assert journal.prune() == 1
        assert [e.object for e in journal.events()] == ["young"]
        assert journal.prune() == 0


def test_the_oldest_events_are_removed_while_the_journal_is_too_large(tmp_path: Path) -> None:
    with opened(tmp_path, keep_bytes=4 << 20) as journal:
        for start in range(0, 8000, 1000):
            journal.commit("t", "c", [event(str(i), reason="x" * 1000) for i in range(start, start + 1000)], {"k": b"kept"})
        removed = journal.prune()
        left = journal.events(limit=10_000)
        assert removed + len(left) == 8000
        assert 1000 <= len(left) <= 4500
        assert [e.object for e in left] == [str(i) for i in range(removed, 8000)], "the newest are kept"
        assert journal.count == len(left)
        assert journal.recall("t", "c", "k") == b"kept"
        # Freed pages are used again, so the file stays within its limit from here on.
        size = (tmp_path / "journal.db").stat().st_size
        for start in range(0, 3000, 1000):
            journal.commit("t", "c", [event(str(i), reason="x" * 1000) for i in range(start, start + 1000)])
            journal.prune()
        assert (tmp_path / "journal.db").stat().st_size <= size


def test_memory_larger_than_the_retention_does_not_keep_pruning_from_ending(tmp_path: Path) -> None:
    with opened(tmp_path, keep_bytes=100_000) as journal:
        journal.commit("t", "c", [event("a")], {"k": os.urandom(300_000)})
        assert journal.prune() == 1
        assert len(journal.recall("t", "c", "k") or b"") == 300_000


# Files that are no journal


def full_journal(folder: Path) -> Path:
    """Write a journal of some 30 pages and return its file, with nothing beside it."""
    with opened(folder) as journal:
        journal.commit("t", "c", [event(str(i), reason="r" * 300) for i in range(200)], {"k": b"m" * 20_000})
    path = folder / "journal.db"
    assert not path.with_name("journal.db-wal").exists()
    return path


def damage_random(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def damage_truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


def damage_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        page = file.read(4096)
        file.seek(4096 * 5)
        file.write(bytes(b ^ 0xFF for b in page))


def damage_header(path: Path) -> None:
    """Say a file format version that no SQLite knows: the page is whole, and nothing can be done with it."""
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x09\x09")


def damage_tables(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE total")


@pytest.mark.parametrize("damage", [damage_random, damage_truncated, damage_page, damage_header, damage_tables], ids=lambda f: f.__name__)
def test_a_damaged_journal_is_moved_aside_whole_and_told(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    path = full_journal(tmp_path)
    assert callable(damage)
    damage(path)
    before = path.read_bytes()
    with opened(tmp_path) as journal:
        (aside,) = asides(tmp_path)
        assert aside.read_bytes() == before
        (told,) = journal.events()
        assert (told.kind, told.change, told.object) == (EventKind.JOURNAL, "replaced", str(path))
        assert told.detail == {"moved_to": str(aside)}
        assert told.reason
        assert any(f"moved aside to {aside}" in message for message in caplog.messages)
        journal.commit("t", "c", [event("new")], {"k": b"1"})
    with opened(tmp_path) as journal:
        assert [e.object for e in journal.events()] == [str(path), "new"], "the new journal is a good one"
    assert asides(tmp_path) == [aside]


def test_whatever_page_is_damaged_the_journal_opens_and_answers(tmp_path: Path) -> None:
    source = full_journal(tmp_path / "source").read_bytes()
    moved = 0
    for page in range(len(source) // 4096):
        for place, change in ((0, bytes(4096)), (0, b"\xff" * 64), (2000, b"\x00\xff\xfe{" * 16), (4030, b'"}}x' * 16), (3000, b"\x01")):
            folder = tmp_path / f"{page}.{place}.{change[0]}"
            folder.mkdir()
            start = page * 4096 + place
            (folder / "journal.db").write_bytes(source[:start] + change + source[start + len(change) :])
            with opened(folder) as journal:
                events = journal.events(limit=1000)
                journal.totals("t"), journal.recall("t", "c", "k"), journal.prune()
                journal.commit("t", "c", [event("new")])
                assert len(events) in (1, 200)
            moved += len(asides(folder))
            shutil.rmtree(folder)
    assert moved > len(source) // 4096


def test_a_foreign_sqlite_file_is_moved_aside_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE invoices (id INTEGER)")
        db.execute("INSERT INTO invoices VALUES (7)")
        db.commit()
    with opened(tmp_path) as journal:
        (aside,) = asides(tmp_path)
        (told,) = journal.events()
        assert told.reason == "it belongs to another program"
    with contextlib.closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT id FROM invoices").fetchall() == [(7,)]


def test_a_journal_of_a_newer_format_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = full_journal(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for _ in range(2):  # the second time shows that the first let go of the folder
        with pytest.raises(ConfigError) as caught:
            Journal(tmp_path)
        assert caught.value.mistakes == [f"{path} was written by a newer tocsin; upgrade, or choose another state_dir"]
    assert path.read_bytes() == before
    assert asides(tmp_path) == []


# The folder


def test_a_folder_that_another_process_uses_is_refused_with_its_number(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from tocsin.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("open", flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(ConfigError, match=rf"is in use by another tocsin \(process {child.pid}\); stop it, or choose"):
            Journal(tmp_path)
        child.kill()
        child.wait(10)
        with opened(tmp_path) as journal:
            assert journal.events() == []


def test_a_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    with opened(tmp_path / "a/b/c") as journal:
        assert journal.size() > 0


def test_a_folder_that_cannot_be_one_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ConfigError, match=r"state_dir .*/file/state cannot be used: Not a directory; create it, and let tocsin's user write"
    ):
        Journal(tmp_path / "file/state")


def test_a_folder_that_may_not_be_written_is_refused_with_what_to_do() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with (
            _nobody(),
            pytest.raises(ConfigError, match=f"state_dir {folder} cannot be used: Permission denied; create it, and let tocsin's"),
        ):
            Journal(folder)


@contextlib.contextmanager
def _nobody() -> Iterator[None]:
    """Act as a user whom permissions bind."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# A full disk


@contextlib.contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Let the kernel refuse writes beyond a file's first bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_the_disk_refuses_is_told_and_the_same_write_succeeds_later(journal: Journal, tmp_path: Path) -> None:
    journal.commit("t", "c", [event("before")], {"k": b"1"})
    with no_file_longer_than((tmp_path / "state/journal.db-wal").stat().st_size):
        for failed in (1, 2):
            with pytest.raises(JournalError, match=r"cannot be written: .*; free space on its disk"):
                journal.commit("t", "c", [event("after")], {"k": b"2"})
            assert (journal.up, journal.failures) == (False, failed)
        assert [e.object for e in journal.events()] == ["before"], "what is there can be read"
        assert journal.recall("t", "c", "k") == b"1"
        assert sum(count for count, _ in journal.totals("t").values()) == 1
    (written,) = journal.commit("t", "c", [event("after")], {"k": b"2"})
    assert [e.object for e in journal.events()] == ["before", "after"]
    assert written.id == 2
    assert (journal.up, journal.failures, journal.count) == (True, 2, 2)


class Disk:
    """A small disk of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, timeout=10)
    if done.returncode:
        lacking(f"no disk to fill: this user may not mount one ({done.stderr.strip()})")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


def test_changes_found_while_the_disk_is_full_are_told_once_there_is_space(disk: Disk, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE orders (id INTEGER, email TEXT, phone TEXT)")
        (tmp_path / "t.yaml").write_text(f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {disk.folder}/state
targets: [{{name: app, kind: sqlite, path: app.db, every: {{schema: 50ms}}}}]
""")
        success, failing, up = (
            'tocsin_collector_success{collector="sqlite.schema",instance="app"}',
            'tocsin_collector_failing{collector="sqlite.schema",instance="app",reason="internal"}',
            "tocsin_journal_up",
        )
        with Service(config.load(tmp_path / "t.yaml")) as service:

            def page() -> dict[str, float]:
                return series(get(f"{service.url}/metrics")[1])

            until(lambda: page().get(success) == 1)
            disk.fill()
            db.execute("ALTER TABLE orders DROP COLUMN email")
            until(lambda: page().get(failing) == 1)
            db.execute("ALTER TABLE orders DROP COLUMN phone")
            time.sleep(0.5)
            full = page()
            assert (full[success], full[up]) == (0, 0)
            assert full["tocsin_journal_failures_total"] >= 2
            assert full['sqlite_up{instance="app"}'] == 1, "the other collectors go on"
            assert not [key for key in full if key.startswith(("tocsin_schema_changes_total", "tocsin_schema_fingerprint"))]
            assert "The journal cannot be written" in get(f"{service.url}/")[1]
            disk.free()
            until(lambda: page().get(success) == 1)
            time.sleep(0.3)
            free = page()
            assert free[up] == 1
            changes = 'tocsin_schema_changes_total{change="dropped",database="main",instance="app",object_kind="column",risk="destructive"}'
            assert free[changes] == 2
            assert sorted(e.object for e in service.journal.events()) == ["orders.email", "orders.phone"]


def test_a_disk_that_is_full_at_the_start_is_told_without_a_traceback(disk: Disk) -> None:
    disk.fill()
    with pytest.raises(ConfigError, match=r"cannot be opened: .*; is the disk full or read-only\?|No space left on device"):
        Journal(disk.folder)
    disk.free()
    with opened(disk.folder) as journal:
        assert journal.events() == []
        assert asides(disk.folder) == [], "a full disk is no damage"


def test_a_hundred_harmless_changes_do_not_push_a_destructive_one_out_of_sight(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.commit("t", "c", [event("dropped")])
        journal.commit("t", "c", [event(f"added{i}", change="added", risk=Risk.SAFE) for i in range(100)])
        assert "dropped" in {e.object for e in journal.recent_changes("t")}
        assert "added99" in {e.object for e in journal.recent_changes("t")}
    with opened(tmp_path) as journal:
        recent = [e.object for e in journal.recent_changes("t")]
    assert "dropped" in recent
    assert len(recent) == RECENT_CHANGES


def test_a_run_that_was_overtaken_writes_nothing(journal: Journal) -> None:
    journal.commit("t", "c", [], {"snapshot": b"1"})
    journal.commit("t", "c", [event("a")], {"snapshot": b"2"}, {"snapshot": b"1"})
    with pytest.raises(JournalError, match="overtaken"):
        journal.commit("t", "c", [event("a")], {"snapshot": b"2"}, {"snapshot": b"1"})
    assert [e.object for e in journal.events()] == ["a"]
    assert journal.up, "the file is as good as before"


def test_a_journal_deleted_while_in_use_is_written_again_with_all_it_held(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as journal:
        journal.commit("t", "c", [event("before")], {"k": b"v"})
        shutil.rmtree(tmp_path / "state")
        assert not journal.present()
        journal.commit("t", "c", [event("after")])
        assert journal.present()
        assert journal.up
        with pytest.raises(ConfigError, match="in use"):
            Journal(tmp_path / "state")
    with opened(tmp_path / "state") as journal:
        assert [e.object for e in journal.events()] == ["before", "after"]
        assert journal.recall("t", "c", "k") == b"v"


def test_a_file_put_in_the_journals_place_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as journal:
        (tmp_path / "state" / "journal.db").unlink()
        (tmp_path / "state" / "journal.db").write_text("somebody else's")
        with pytest.raises(JournalError, match="another file"):
            journal.commit("t", "c", [event("a")])
        assert not journal.up
        assert (tmp_path / "state" / "journal.db").read_text() == "somebody else's"


OLDER = """
    CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL,
        body TEXT NOT NULL) STRICT;
    CREATE INDEX event_by_target ON event (target, kind, id);
    CREATE TABLE memory (target TEXT NOT NULL, collector TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (target, collector, key)) STRICT, WITHOUT ROWID;
    CREATE TABLE total (target TEXT NOT NULL, kind TEXT NOT NULL, database TEXT NOT NULL, object_kind TEXT NOT NULL, change TEXT NOT NULL,
        risk TEXT NOT NULL, count INTEGER NOT NULL, last REAL NOT NULL,
        PRIMARY KEY (target, kind, database, object_kind, change, risk)) STRICT, WITHOUT ROWID;
    INSERT INTO event VALUES (7, 3.0, 't', 'schema',
        '{"kind": "schema", "source": "sqlite", "object_kind": "table", "object": "t", "change": "dropped",
         "risk": "destructive", "detail": {}}');
    INSERT INTO total VALUES ('t', 'schema', 'shop', 'table', 'dropped', 'destructive', 4, 3.0);
    INSERT INTO memory VALUES ('t', 'sqlite.schema', 'snapshot:main', x'00'), ('t', 'sqlite.other', 'kept', x'01');
    PRAGMA application_id = 0x746F6373;
    PRAGMA user_version = 1;
"""


def test_journal_of_the_first_format_is_upgraded(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as old:
        old.executescript(OLDER)
    for _ in range(2):
        with contextlib.closing(Journal(tmp_path)) as journal:
            assert journal.totals("t") == {("schema", "shop", "table", "dropped", "destructive", 0): (4, 3.0)}
            (event,) = journal.events()
            assert (event.id, event.object, event.security) == (7, "t", False)
            assert journal.recall("t", "sqlite.schema", "snapshot:main") is None, "kept in a form that nothing reads any more"
            assert journal.recall("t", "sqlite.other", "kept") == b"\x01"
