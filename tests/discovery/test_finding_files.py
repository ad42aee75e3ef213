"""Databases in files are found by their first bytes, and looking for them harms nobody."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from fuse import mounted
from tocsin import magic
from tocsin.discovery import files
from tocsin.discovery.files import Finder, find
from tocsin.errors import CollectError, DeadlineError
from tocsin.filewatch.places import read_places
from tocsin.journal import Journal


def paths(*roots: Path, most: int = 100, seconds: float = 30.0) -> list[str]:
    return [found.addresses[0] for found in find(map(str, roots), most, seconds)]


def sqlite(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
    return path


def test_databases_are_found_whatever_they_are_called_and_say_what_told(tmp_path: Path) -> None:
    shop = sqlite(tmp_path / "srv" / "shop" / "data.bin")
    lake = tmp_path / "lake"
    duckdb.connect(str(lake)).close()
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.sqlite").write_text("SQLite is a library")
    found = {one.name: one for one in find([str(tmp_path)], 100, 30)}
    assert set(found) == {"data.bin", "lake"}
    assert found["data.bin"].engine == "sqlite"
    assert (found["data.bin"].addresses, found["data.bin"].place, found["data.bin"].origin) == ((str(shop),), str(shop), "file")
    assert found["data.bin"].evidence == ("it begins with 'SQLite format 3'",)
    assert (found["lake"].engine, found["lake"].key, found["lake"].evidence) == ("duckdb", str(lake), ("it has 'DUCK' at byte 8",))


def test_what_comes_and_goes_is_seen_by_the_next_look(tmp_path: Path) -> None:
    one = sqlite(tmp_path / "a" / "one.db")
    late = tmp_path / "a" / "late.db"
    late.touch()  # as SQLite does before the first table
    old = time.time() - 60
    os.utime(tmp_path / "a", (old, old))
    assert paths(tmp_path) == [str(one)]
    os.utime(tmp_path / "a", (old, old))
    sqlite(late)
    os.utime(tmp_path / "a", (old, old))  # SQLite's journal has come and gone: not so with every writer
    assert paths(tmp_path) == [str(late), str(one)]
    two = sqlite(tmp_path / "b" / "two.db")
    one.unlink()
    assert paths(tmp_path) == [str(late), str(two)]


def test_what_comes_within_the_same_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    one = sqlite(tmp_path / "one.db")
    assert paths(tmp_path) == [str(one)]
    same = tmp_path.stat().st_mtime_ns
    two = sqlite(tmp_path / "two.db")
    os.utime(tmp_path, ns=(same, same))
    assert paths(tmp_path) == [str(one), str(two)]


def test_a_name_that_is_no_text_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = sqlite(tmp_path / "one.db")
    one.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db"))
    assert paths(tmp_path) == []
    assert "\\xff.db is a database whose name is no UTF-8" in caplog.text


def test_an_unchanged_folder_costs_no_look_at_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite(tmp_path / "one.db")
    (tmp_path / "notes.txt").write_text("nothing of the kind" * 10)
    old = time.time() - 60
    os.utime(tmp_path, (old, old))
    asked: list[str] = []
    look = magic.look
    monkeypatch.setattr(magic, "look", lambda path, ours: (asked.append(path), look(path, ours))[1])
    finder, places = Finder(), read_places()
    assert len(list(finder.find(str(tmp_path), places, time.monotonic() + 10))) == 1
    assert len(asked) == 2
    assert len(list(finder.find(str(tmp_path), places, time.monotonic() + 10))) == 1
    assert len(asked) == 2
    monkeypatch.setattr(files, "_TRUSTED", -1.0)
    list(finder.find(str(tmp_path), places, time.monotonic() + 10))
    assert len(asked) == 4, "a file may be overwritten in place"


def test_nothing_is_followed_and_nothing_but_files_is_opened(tmp_path: Path) -> None:
    outside = sqlite(tmp_path / "outside" / "x.db")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(outside.parent)
    (root / "file.db").symlink_to(outside)
    os.mkfifo(root / "pipe.db")
    os.link(outside, root / "same.db")
    (root / "loop").symlink_to(root)
    assert paths(root) == [str(root / "same.db")]
    assert len(paths(root, outside.parent)) == 1, "one file, whatever its names"
    link = tmp_path / "link"
    link.symlink_to(root)
    assert paths(link) == [str(root / "same.db")], "a root may be a link"
    assert paths(outside) == [str(outside)], "or the file itself"


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    began = time.monotonic()
    assert magic.look(str(tmp_path / "pipe"), ()) is None
    assert magic.look("/dev/zero", ()) is None
    assert magic.look(str(tmp_path / "a\0b"), ()) is None
    assert time.monotonic() - began < 5


def test_the_time_of_the_last_access_stays(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "x.db")
    os.utime(path, (1, 1))
    assert paths(tmp_path) == [str(path)]
    assert path.stat().st_atime == 1


_WRITER = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute('BEGIN IMMEDIATE')"


def test_the_journal_is_not_opened_and_is_no_database_to_watch(tmp_path: Path) -> None:
    other = sqlite(tmp_path / "other.db")
    journal = Journal(tmp_path)
    try:
        assert paths(tmp_path) == [str(other)]
        assert dict(magic.databases(str(tmp_path))) == {"/other.db": "sqlite"}
        found = journal.path.stat()
        assert (found.st_dev, found.st_ino) in magic.written_here()
    finally:
        journal.close()


def test_locks_of_a_file_that_this_process_writes_stay(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "x.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")  # without a WAL: the lock is on the file itself
        assert magic.look(str(path), magic.written_here()) is None
        done = subprocess.run([sys.executable, "-c", _WRITER, str(path)], capture_output=True, text=True, timeout=30)
        assert "locked" in done.stderr
        assert magic.look(str(path), ()) == "sqlite", "the trap that this test is about"
        done = subprocess.run([sys.executable, "-c", _WRITER, str(path)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0
        db.execute("ROLLBACK")


def test_number_depth_and_folders_are_bounded(tmp_path: Path) -> None:
    for i in range(20):
        sqlite(tmp_path / f"f{i:02}" / "x.db")
    sqlite(Path(tmp_path, *"abcdefghijklm", "deep.db"))
    assert len(paths(tmp_path)) == 20
    assert paths(tmp_path, most=3) == [str(tmp_path / f"f{i:02}" / "x.db") for i in range(3)]
    finder = Finder(most_folders=6)
    found = list(finder.find(str(tmp_path), read_places(), time.monotonic() + 30))
    assert [Path(path).parent.name for path, _ in found] == ["f00", "f01", "f02", "f03"], "breadth first: the root, a, and these"


def test_a_look_that_takes_too_long_says_so_and_the_next_goes_on(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "x.db")
    with pytest.raises(DeadlineError, match="took too long; the next look goes on from there"):
        list(Finder().find(str(tmp_path), read_places(), time.monotonic() - 1))
    assert paths(tmp_path) == [str(path)]


def test_a_root_that_cannot_be_looked_at_costs_the_others_nothing(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "x.db")
    assert paths(tmp_path / "missing", tmp_path) == [str(path)]
    with pytest.raises(CollectError, match=r"/missing does not exist; create it"):
        find([str(tmp_path / "missing")], 10, 10)
    with pytest.raises(CollectError, match="file system of type proc"):
        find(["/proc"], 10, 10)
    assert find([], 10, 10) == []


def test_a_hung_file_system_is_not_looked_through(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "x.db")
    hung = tmp_path / "hung"
    (tmp_path / "link").symlink_to(hung)
    with mounted(hung):
        assert paths(tmp_path, tmp_path / "link", hung) == [str(path)]
        for root in (hung, tmp_path / "link", hung / "deeper"):
            with pytest.raises(CollectError, match="it may hang"):
                find([str(root)], 10, 10)
