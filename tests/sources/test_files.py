"""Real files and what is told of them, found by the clock: nobody listens to the kernel here."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import fuse
from tocsin.event import Event, EventKind
from tocsin.sources.files.config import FilesOptions
from tocsin.sources.files.view import view_of
from tools import lacking, need
from watching import Watch, eventually


def files_options(*paths: Path | str, **more: object) -> FilesOptions:
    return FilesOptions(name="files", kind="files", paths=tuple(map(str, paths)), **more)  # type: ignore[arg-type]


@contextlib.contextmanager
def watching(folder: Path, *paths: Path | str, **more: object) -> Iterator[Watch]:
    """Watch the paths, of which what is there is known already."""
    with Watch(files_options(*paths, **more), folder / "state") as watch:
        view_of(watch.options).forget()  # as after a start
        assert watch.check(60) == []
        assert watch.record("files").success, watch.record("files").error
        yield watch


def said(events: list[Event], folder: Path) -> list[str]:
    """Return events in short: `file /a altered content cautious`."""
    assert all(e.kind is EventKind.FILE for e in events)
    return [
        " ".join([e.object_kind, e.object.removeprefix(str(folder)), e.change, *e.detail.get("attributes", ()), str(e.risk)])
        + " security" * e.security
        for e in events
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub" / "deep").mkdir(parents=True)
    for name in ("a", "b", "sub/c", "sub/deep/d"):
        (root / name).write_text(f"this is {name}\n")
    return root


# One thing that happens, one event


def test_first_sight_is_a_baseline_and_nothing_is_told_twice(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        (tree / "a").write_text("another")
        assert len(watch.check()) == 1
        assert watch.check() == []


CHANGES = {
    "written in place": (lambda t: (t / "a").write_text("more"), ["file /a altered content cautious"]),
    "appended to": (lambda t: _append(t / "a", "more"), ["file /a altered content cautious"]),
    "emptied": (lambda t: (t / "a").write_text(""), ["file /a altered content destructive"]),
    "in a directory below": (lambda t: (t / "sub/deep/d").write_text("more"), ["file /sub/deep/d altered content cautious"]),
    "touched": (lambda t: os.utime(t / "a"), []),
    "written with what it said": (lambda t: (t / "a").write_text("this is a\n"), []),
    "added": (lambda t: (t / "n").write_text("new"), ["file /n added safe"]),
    "removed": (lambda t: (t / "a").unlink(), ["file /a dropped destructive"]),
    "replaced": (lambda t: _replace(t / "a", "other"), ["file /a replaced content inode cautious"]),
    "replaced by the same": (lambda t: _replace(t / "a", "this is a\n"), ["file /a replaced inode safe"]),
    "removed and made anew": (lambda t: _remake(t / "a"), ["file /a replaced content inode cautious"]),
    "renamed": (lambda t: (t / "a").rename(t / "z"), ["file /a renamed breaking"]),
    "renamed over": (lambda t: (t / "a").rename(t / "b"), ["file /a dropped destructive", "file /b replaced content inode cautious"]),
    "renamed and made to run as its owner": (
        lambda t: (t / "a").rename(t / "z").chmod(0o4755), ["file /a renamed mode breaking security"]),
    "renamed and written to": (
        lambda t: [_append((t / "a").rename(t / "z"), "evil"), (t / "z").chmod(0o666)],
        ["file /a dropped destructive", "file /z added cautious security"]),
    "directory added": (lambda t: _plant(t / "n"), ["directory /n added safe"]),
    "directory removed": (lambda t: shutil.rmtree(t / "sub"), ["directory /sub dropped destructive"]),
    "directory renamed": (lambda t: (t / "sub").rename(t / "bus"), ["directory /sub renamed breaking"]),
    "directory renamed and filled": (
        lambda t: [(t / "sub").rename(t / "bus"), (t / "bus/n").write_text("x"), (t / "bus/n").chmod(0o666), (t / "bus/deep/d").unlink()],
        ["directory /sub renamed breaking", "file /bus/n added cautious security", "file /bus/deep/d dropped destructive"]),
    "made a directory": (lambda t: _turn(t / "a"), ["directory /a replaced type mode inode breaking security"]),
    "linked": (lambda t: (t / "l").symlink_to("a"), ["link /l added safe"]),
    "hard link": (lambda t: os.link(t / "a", t / "h"), ["file /h added safe"]),
    "pipe": (lambda t: os.mkfifo(t / "p"), ["fifo /p added safe"]),
    "bytes for a name": (lambda t: Path(os.fsdecode(os.fsencode(t) + b"/\xff\xfe")).write_text("x"), [r"file /\xff\xfe added safe"]),
    "a line break in a name": (lambda t: (t / "a\nb").write_text("x"), [r"file /a\nb added safe"]),
    "everybody may write": (lambda t: (t / "a").chmod(0o666), ["file /a altered mode breaking security"]),
    "its group may write": (lambda t: (t / "a").chmod(0o664), ["file /a altered mode cautious security"]),
    "fewer may read": (lambda t: (t / "a").chmod(0o600), ["file /a altered mode cautious"]),
    "set-user-id": (lambda t: (t / "a").chmod(0o4755), ["file /a altered mode breaking security"]),
    "a directory's permissions": (lambda t: (t / "sub").chmod(0o777), ["directory /sub altered mode breaking security"]),
    "a secret that all may read": (lambda t: (t / "server.key").write_text("x"), ["file /server.key added cautious security"]),
    "editors' files": (lambda t: [(t / name).write_text("x") for name in (".a.swp", "a~", "4913", ".#a")], []),
}  # fmt: skip


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def _replace(path: Path, text: str) -> None:
    new = path.with_name(".new")
    new.write_text(text)
    new.rename(path)


def _remake(path: Path) -> None:
    keep = path.with_name("keep")
    path.rename(keep)  # so that its number is not given away again
    path.write_text("other")
    keep.unlink()


def _plant(path: Path) -> None:
    (path / "x" / "y").mkdir(parents=True)
    for name in ("f", "x/g", "x/y/h"):
        (path / name).write_text("new")


def _turn(path: Path) -> None:
    keep = path.with_name("keep")
    path.rename(keep)
    path.mkdir()
    keep.unlink()


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_is_told_once_with_its_risk(what: str, tree: Path, tmp_path: Path) -> None:
    os.umask(0o022)
    act, expected = CHANGES[what]
    with watching(tmp_path, tree) as watch:
        act(tree)
        assert said(watch.check(), tree) == expected
        assert watch.check() == []


def test_an_owner_and_a_group_are_told_by_name_where_they_have_one(tree: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lacking("only root gives files away")
    with watching(tmp_path, tree) as watch:
        os.chown(tree / "a", 1, 54321)
        (event,) = watch.check()
    assert event.security
    assert (event.old, event.new) == ("root:root", "daemon:54321")


def test_a_replaced_file_is_told_with_both_numbers_and_digests(tree: Path, tmp_path: Path) -> None:
    old = (tree / "a").stat().st_ino
    with watching(tmp_path, tree) as watch:
        _replace(tree / "a", "other")
        (event,) = watch.check()
    assert event.detail["old_inode"] == old
    assert event.detail["new_inode"] == (tree / "a").stat().st_ino
    assert event.detail["old_sha256"] != event.detail["new_sha256"]
    assert len(event.detail["new_sha256"]) == 64


def test_a_links_target_is_told_and_no_link_is_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "l").symlink_to(outside)
    with watching(tmp_path, tree) as watch:
        (outside / "x").write_text("x")
        assert watch.check() == []
        (tree / "l").unlink()
        (tree / "l").symlink_to("sub")
        (event,) = watch.check()
    assert event.detail["attributes"][0] == "target"
    assert event.new == "-> sub"


def test_content_changed_with_its_time_set_back_is_told_as_forged(tree: Path, tmp_path: Path) -> None:
    times = (tree / "a").stat()
    with watching(tmp_path, tree) as watch:
        (tree / "a").write_text("that is a\n")
        os.utime(tree / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
        (event,) = watch.check()
    assert event.security
    assert "set back" in (event.reason or "")


def test_content_replaced_with_its_time_set_back_is_told_as_forged(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        found = (tree / "a").stat()
        (tree / "new").write_text("THIS is a\n")
        os.utime(tree / "new", ns=(found.st_atime_ns, found.st_mtime_ns))
        (tree / "new").rename(tree / "a")
        (event,) = watch.check() or watch.check()
    assert (event.change, event.risk, event.security) == ("replaced", "breaking", True)
    assert "set back" in (event.reason or "")


def test_content_that_changed_behind_the_file_systems_back_is_found_by_the_slow_clock(tree: Path, tmp_path: Path) -> None:
    """A disk that rots, or somebody who writes to the device: no time moves."""
    with watching(tmp_path, tree, rehash_every=0.5) as watch:
        _forge_memory(watch, str(tree / "sub" / "c"), watch.journal)
        time.sleep(0.6)
        told = [e for _ in range(5) for e in watch.check()]
    assert said(told, tree) == ["file /sub/c altered content breaking security"]


def _forge_memory(watch: Watch, path: str, journal: object) -> None:
    """Have the journal remember another digest: the same as another content under the same times."""
    from tocsin.filewatch import state
    from tocsin.filewatch.tell import key_of

    folder, _, name = path.rpartition("/")
    kept = watch.journal.recall("files", "files.files", key_of("dir", folder))
    states = state.load(kept)
    states[name] = states[name]._replace(digest="0" * 64)
    watch.journal.commit("files", "files.files", [], {key_of("dir", folder): state.dump(states)})


def test_databases_are_not_read_and_their_content_is_no_news(tree: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tree / "app", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (a)")
        with watching(tmp_path, tree) as watch:
            # A lock of this very process: closing the file anywhere in it would drop the lock.
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO t VALUES (1)")
            assert watch.check() == []
            other = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
            locked = subprocess.run([sys.executable, "-c", other, str(tree / "app")], capture_output=True, text=True, check=False)
            assert "locked" in locked.stderr
            db.execute("COMMIT")
            assert watch.check() == []
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = watch.target
        assert page is not None
    (tree / "app").unlink()
    with Watch(files_options(tree), tmp_path / "state") as watch:
        events = [e for e in watch.check() if e.object.endswith("/app")]
    assert [(e.change, str(e.risk)) for e in events] == [("dropped", "destructive")]
    assert "database" in (events[0].reason or "")


def test_a_name_like_that_of_a_databases_journal_is_none_beside_what_is_no_database(tree: Path, tmp_path: Path) -> None:
    beside = [tree / f"a{suffix}" for suffix in ("-wal", "-journal", "-shm", ".wal")]
    for path in beside:
        path.write_text("one\n")
    with watching(tmp_path, tree) as watch:
        for path in beside:
            path.write_text("two, and more\n")
        told = [line for _ in range(2) for line in said(watch.check(), tree)]
        assert sorted(told) == sorted(f"file /{path.name} altered content cautious" for path in beside)
        beside[1].unlink()
        (event,) = watch.check() or watch.check()
        assert "database" not in (event.reason or "")


def test_nothing_but_files_is_opened(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "pipe")  # opening one to read waits for a writer
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tree / "socket"))
        with watching(tmp_path, tree):
            pass


# Logs


@pytest.fixture
def log(tree: Path) -> Path:
    path = tree / "app.log"
    path.write_text("begin\n" * 100)
    return path


def test_appending_to_a_log_is_no_event_and_truncating_it_is_one(log: Path, tmp_path: Path) -> None:
    with watching(tmp_path, log.parent) as watch:
        _append(log, "more\n")
        assert watch.check() == []
        os.truncate(log, 10)
        (event,) = watch.check()
    assert (event.change, event.risk, event.security) == ("altered", "destructive", True)
    assert "not rotated" in (event.reason or "")


def test_a_log_that_is_replaced_by_a_stranger_is_not_rotated(log: Path, tmp_path: Path) -> None:
    with watching(tmp_path, log.parent) as watch:
        (log.parent / "app.log.1").write_text("an old copy that says less")
        _replace(log, "nothing happened\n")
        changes = [(e.object.rpartition("/")[2], e.change) for _ in range(2) for e in watch.check()]
    assert ("app.log", "replaced") in changes
    assert ("app.log", "rotated") not in changes


LOGROTATE = {
    "create": "create\nrotate 3",
    "copytruncate": "copytruncate\nrotate 3",
    "compress": "create\ncompress\nrotate 3",
    "delaycompress": "create\ncompress\ndelaycompress\nrotate 3",
    "copytruncate compress": "copytruncate\ncompress\nrotate 3",
    "dateext": "create\ndateext\ndateformat -%Y%m%d-%s\nrotate 3",
    "dateext compress": "create\ncompress\ndateext\ndateformat -%Y%m%d-%s\nrotate 3",
    "nocreate": "nocreate\nmissingok\nrotate 3",
    "rotate 1": "create\nrotate 1",
}


@pytest.mark.parametrize("way", LOGROTATE)
def test_logrotate_is_told_as_one_rotation(way: str, log: Path, tmp_path: Path) -> None:
    program = need("logrotate")
    config = tmp_path / "logrotate.conf"
    config.write_text(f"{log} {{\nsu root root\n{LOGROTATE[way]}\n}}\n" if os.geteuid() == 0 else f"{log} {{\n{LOGROTATE[way]}\n}}\n")
    with watching(tmp_path, log.parent) as watch:
        for turn in range(5):
            if turn:
                _append(log, "and on\n" * (50 + turn))
                assert [e for e in said(watch.check(), log.parent) if "added" not in e] == []
            subprocess.run([program, "-f", "-s", tmp_path / "status", config], check=True)
            told = [line for _ in range(2) for line in said(watch.check(), log.parent)]
            assert told == ["file /app.log rotated safe"], f"turn {turn}"
            time.sleep(1.1 * ("dateext" in way))


# Editors


def test_what_an_editor_does_is_one_event(tree: Path, tmp_path: Path) -> None:
    vim = need("vim", "vim.tiny")
    settings = {"in place": "set backupcopy=yes", "by renaming": "set backupcopy=no", "with a backup": "set backup backupcopy=no"}
    for number, commands in enumerate(settings.values()):
        with watching(tmp_path / str(number), tree) as watch:
            subprocess.run(
                [vim, "-u", "NONE", "-es", "-c", commands, "-c", f"normal ggIline {number}", "-c", "wq", tree / "a"],
                check=False, timeout=30, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            assert f"line {number}" in (tree / "a").read_text()
            (event,) = watch.check()
            assert event.object == str(tree / "a")
            assert event.change in ("altered", "replaced")


def test_sed_in_place_is_one_replacement(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        subprocess.run(["sed", "-i", "s/this/that/", tree / "a"], check=True)
        assert said(watch.check(), tree) == ["file /a replaced content inode cautious"]


# Memory


def test_what_changed_while_nobody_watched_is_found_once(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree):
        pass
    (tree / "a").unlink()
    (tree / "sub" / "c").write_text("more")
    shutil.rmtree(tree / "sub" / "deep")
    _plant(tree / "n")
    with Watch(files_options(tree), tmp_path / "state") as watch:
        view_of(watch.options).forget()
        assert said(watch.check(), tree) == [
            "file /a dropped destructive",
            "file /sub/c altered content cautious",
            "directory /sub/deep dropped destructive",
            "directory /n added safe",
        ]
        assert watch.check() == []


def test_a_change_in_one_directory_rewrites_that_one_alone(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        before = _memory(watch)
        (tree / "sub" / "deep" / "d").write_text("more")
        watch.check()
        after = _memory(watch)
    moved = {key for key in before | after if before.get(key) != after.get(key)}
    assert {key.partition(":")[0] for key in moved} == {"dir", "told", "token"}
    assert [key for key in moved if key.startswith("dir")] == [f"dir:{tree}/sub/deep"]


def test_a_large_directory_is_remembered_in_pieces(tree: Path, tmp_path: Path) -> None:
    for i in range(3000):
        (tree / "sub" / f"f{i}").write_text("x")
    with watching(tmp_path, tree) as watch:
        before = _memory(watch)
        (tree / "sub" / "f7").write_text("more")
        assert said(watch.check(), tree) == ["file /sub/f7 altered content cautious"]
        after = _memory(watch)
        moved = sum(len(after[key]) for key in after if key.startswith("dir") and before.get(key) != after[key])
        assert moved < sum(len(value) for key, value in after.items() if key.startswith("dir")) / 4
        for i in range(2900):
            (tree / "sub" / f"f{i}").unlink()
        assert sum(e.detail.get("count", 1) for e in watch.check()) == 2900
        assert watch.check() == []


def _memory(watch: Watch) -> dict[str, bytes]:
    return dict(watch.journal._db.execute("SELECT key, value FROM memory WHERE target = 'files'").fetchall())


def test_a_run_that_could_not_be_written_is_found_again(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        watch.journal._db.execute("PRAGMA query_only = ON")
        (tree / "a").write_text("more")
        assert watch.check() == []
        assert not watch.record("files").success
        watch.journal._db.execute("PRAGMA query_only = OFF")
        assert said(watch.check(), tree) == ["file /a altered content cautious"]
        assert watch.check() == []


def test_other_paths_are_a_new_baseline_and_the_old_ones_are_forgotten(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree / "sub"):
        pass
    (tree / "sub" / "c").write_text("more")
    with Watch(files_options(tree), tmp_path / "state") as watch:
        assert said(watch.check(), tree) == ["file /sub/c altered content cautious"]
    other = tmp_path / "other"
    other.mkdir()
    with Watch(files_options(other), tmp_path / "state") as watch:
        assert watch.check() == []
        assert [key for key in _memory(watch) if key.startswith("dir:") and "tree" in key] == []


DEEP = {"/sub/deep/d", "/sub/deep/gone"}
BELOW = {"/sub/new", "/sub/c", *DEEP}
RECONFIGURED = [
    ("/w", "/w/**/*", {"/new", "/a", *BELOW}),
    ("/w", "/w/sub", BELOW),
    ("/w", "/w/sub/deep, /w/a", {"/a", *DEEP}),
    ("/w", "/w/*", {"/new", "/a"}),
    ("/w", "/w/sub/*", {"/sub/new", "/sub/c"}),
    ("/w/sub", "/w/sub/**", BELOW),
    ("/w/sub", "/w", BELOW),
    ("/w/**", "/w/sub", BELOW),
    ("/w/*", "/w", {"/new", "/a"}),
]


@pytest.mark.parametrize(("before", "after", "expected"), RECONFIGURED)
def test_what_stays_watched_keeps_its_memory_whatever_paths_lead_to_it(before: str, after: str, expected: set[str], tmp_path: Path) -> None:
    root = tmp_path / "w"
    (root / "sub" / "deep").mkdir(parents=True)
    for name in ("a", "b", "sub/c", "sub/deep/d", "sub/deep/gone"):
        (root / name).write_text(f"this is {name}\n")
    with watching(tmp_path, f"{tmp_path}{before}"):
        pass
    for name in ("new", "sub/new"):
        (root / name).write_text("x")
    for name in ("a", "sub/c", "sub/deep/d"):
        (root / name).chmod(0o4755)
    (root / "sub" / "deep" / "gone").unlink()
    with Watch(files_options(*(f"{tmp_path}{path}" for path in after.split(", "))), tmp_path / "state") as watch:
        told = watch.check()
        assert {e.object.removeprefix(str(root)) for e in told} == expected
        assert len(told) == len(expected)
        assert watch.check() == []


# What is watched


def test_what_came_meanwhile_is_told_where_it_was_watched_before_too(tree: Path, tmp_path: Path) -> None:
    (tree / "y.skip").write_text("y")
    with watching(tmp_path, tree / "**" / "*.conf", exclude=("*.skip",)) as watch:
        pass
    (tree / "x.conf").write_text("x")
    (tree / "sub" / "x.conf").write_text("x")
    with Watch(files_options(tree, exclude=()), tmp_path / "state") as watch:
        assert sorted(said(watch.check(), tree)) == ["file /sub/x.conf added safe", "file /x.conf added safe"]
        assert watch.check() == []


def test_patterns_choose_and_leave_out(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree / "**/*.yaml", tree / "su?/c", exclude=("*.bak", "skipped", "**/sub/deep/no*")) as watch:
        for name in ("x.yaml", "x.txt", "sub/y.yaml", "sub/deep/z.yaml", "sub/deep/not.yaml"):
            (tree / name).write_text("x")
        (tree / "skipped").mkdir()
        (tree / "skipped" / "s.yaml").write_text("x")
        (tree / "fresh").mkdir()
        (tree / "fresh" / "f.yaml").write_text("x")
        (tree / "sub/c").write_text("more")
        assert sorted(said(watch.check(), tree)) == [
            "file /fresh/f.yaml added safe",
            "file /sub/c altered content cautious",
            "file /sub/deep/z.yaml added safe",
            "file /sub/y.yaml added safe",
            "file /x.yaml added safe",
        ]
        shutil.rmtree(tree / "fresh")
        assert said(watch.check(), tree) == ["file /fresh/f.yaml dropped destructive"]


def test_a_path_that_is_not_there_is_a_state_and_its_coming_an_event(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "app.conf"
    with watching(tmp_path, path) as watch:
        assert watch.page().value("tocsin_file_exists", path=str(path)) == 0
        path.parent.mkdir(parents=True)
        path.write_text("x = 1")
        assert said(watch.check(), tmp_path) == ["file /not/yet/app.conf added safe"]
        assert watch.page().value("tocsin_file_exists", path=str(path)) == 1
        shutil.rmtree(tmp_path / "not")
        assert said(watch.check(), tmp_path) == ["file /not/yet/app.conf dropped destructive"]
        assert watch.page().value("tocsin_file_exists", path=str(path)) == 0


def test_a_path_through_a_link_is_followed_where_it_leads_now(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(tree / "sub")
    with watching(tmp_path, f"{link}/c") as watch:
        link.unlink()
        (tree / "other").mkdir()
        (tree / "other" / "c").write_text("another release")
        link.symlink_to(tree / "other")
        (event,) = watch.check()
    assert (event.object, event.change) == (f"{link}/c", "replaced")


def test_bounds_are_kept_and_said(tree: Path, tmp_path: Path) -> None:
    for i in range(50):
        (tree / f"f{i:02}").write_text("x")
    with watching(tmp_path, tree, depth=1) as watch:
        assert watch.page().value("tocsin_files_limit_reached", limit="depth") == 1
        assert watch.page().value("tocsin_files_limit_reached", limit="files") == 0
        (tree / "sub" / "deep" / "d").write_text("too deep")
        assert watch.check() == []
    with watching(tmp_path / "few", tree, most_files=20, most_series=5) as watch:
        page = watch.page()
        assert page.value("tocsin_files_limit_reached", limit="files") == 1
        assert page.value("tocsin_files", path=str(tree)) + page.value("tocsin_files_directories", path=str(tree)) <= 20
        assert len(page.all("tocsin_file_size_bytes")) == 5
        assert page.value("tocsin_files_without_series") == page.value("tocsin_files", path=str(tree)) - 5


def test_series_say_what_a_file_is(tree: Path, tmp_path: Path) -> None:
    (tree / "l").symlink_to("a")
    (tree / "copy").write_text("this is a\n")
    with watching(tmp_path, tree) as watch:
        page = watch.page()
    path, found = str(tree / "a"), (tree / "a").stat()
    assert page.value("tocsin_file_size_bytes", path=path) == found.st_size
    assert page.value("tocsin_file_modified_timestamp_seconds", path=path) == pytest.approx(found.st_mtime)
    assert page.value("tocsin_file_status_changed_timestamp_seconds", path=path) == pytest.approx(found.st_ctime)
    assert page.value("tocsin_file_links", path=path) == 1
    assert page.value("tocsin_file_inode", path=path) == found.st_ino
    assert page.value("tocsin_file_info", path=path, kind="file", mode=f"{found.st_mode & 0o7777:04o}") == 1
    assert page.value("tocsin_file_info", path=str(tree / "l"), kind="link", target="a") == 1
    same = {page.value("tocsin_file_content_fingerprint", path=str(tree / name)) for name in ("a", "copy")}
    assert len(same) == 1
    assert same != {page.value("tocsin_file_content_fingerprint", path=str(tree / "b"))}
    assert page.value("tocsin_files", path=str(tree)) == 6
    assert page.value("tocsin_files_directories", path=str(tree)) == 3


# Too much


def test_a_file_that_changes_all_the_time_is_counted_and_told_no_longer(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree, events_per_hour=3) as watch:
        told = []
        for i in range(8):
            (tree / "a").write_text(f"{i}")
            old = time.time() - 60
            os.utime(tree / "a", (old, old + i))
            told += said(watch.check(), tree)
        assert told == ["file /a altered content cautious"] * 3 + ["file /a flapping safe"]
        page = watch.page()
        assert page.value("tocsin_file_flapping", path=str(tree / "a")) == 1
        assert page.value("tocsin_file_changes_total", change="altered", risk="cautious", security="no") == 8
        (tree / "a").chmod(0o666)  # who may use it is told all the same
        assert said(watch.check(), tree) == ["file /a altered mode breaking security"]


def test_a_file_that_changes_all_the_time_does_not_go_unheard(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree, events_per_hour=2) as watch:
        for i in range(5):
            for name in ("a", "b", "sub/c"):
                (tree / name).write_text(f"{i}")
                os.utime(tree / name, (i, i))
            watch.check()
        (tree / "a").unlink()
        (tree / "b").rename(tree / "renamed")
        (tree / "sub" / "c").unlink()
        (tree / "sub" / "c").mkdir()
        told = [line for _ in range(2) for line in said(watch.check(), tree)]
        assert {"file /a dropped destructive", "file /b renamed breaking"} <= set(told)
        assert any(line.startswith("directory /sub/c replaced type") for line in told), told


def test_a_burst_is_told_in_few_words_and_counted_in_full(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        for i in range(2000):
            (tree / "sub" / f"f{i}").write_text("x")
        events = watch.check()
        assert len(events) < 600
        assert sum(e.detail.get("count", 1) for e in events) == 2000
        assert watch.page().value("tocsin_file_changes_total", change="added", risk="safe", security="no") == 2000


def test_reading_is_paced_and_what_is_unread_is_said(tree: Path, tmp_path: Path) -> None:
    for i in range(20):
        (tree / f"big{i}").write_bytes(os.urandom(100_000))
    with watching(tmp_path, tree, read_rate=50_000) as watch:
        assert watch.page().value("tocsin_files_unread") > 0
        (tree / "late").write_text("x")
        before = watch.page().value("tocsin_files_read_bytes_total")
        time.sleep(1)
        watch.check()
        assert watch.page().value("tocsin_files_read_bytes_total") - before <= 50_000 * 5 + 100_000


# What cannot be looked at


def test_what_may_not_be_read_is_a_state_and_not_gone() -> None:
    if os.geteuid() != 0:
        lacking("root is needed to become somebody else")
    with tempfile.TemporaryDirectory(prefix="tocsin-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        tree = folder / "tree"
        (tree / "locked").mkdir(parents=True)
        (tree / "locked" / "x").write_text("x")
        (tree / "open").write_text("x")
        with watching(folder, tree) as watch:
            (tree / "locked").chmod(0o700)
            os.seteuid(65534)
            try:
                assert [e.change for e in watch.check() if "locked" in e.object] == ["altered"]
                (tree / "open").stat()
                page = watch.page()
                assert watch.check() == []
            finally:
                os.seteuid(0)
            assert page.value("tocsin_files_unseen", reason="permission") == 1
            assert page.value("tocsin_file_unseen", path=str(tree / "locked"), reason="permission") == 1
            (tree / "locked" / "x").write_text("more")
            assert said(watch.check(), tree) == ["file /locked/x altered content cautious"]
            assert watch.page().value("tocsin_files_unseen", reason="permission") is None


def test_a_file_system_that_hangs_delays_nothing_else_and_is_said(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree, patience=0.3) as watch, fuse.mounted(tree / "sub" / "hung") as mount:
        (tree / "a").write_text("more")
        began = time.monotonic()
        told = said(watch.check(), tree)
        took = time.monotonic() - began
        assert "file /a altered content cautious" in told
        assert took < 5
        page = watch.page()
        assert page.value("tocsin_files_unseen", reason="timeout") == 1
        assert page.value("tocsin_file_unseen", path=str(tree / "sub"), reason="timeout") or page.all(
            "tocsin_file_unseen", reason="timeout"
        )
        (tree / "a").write_text("and more")
        began = time.monotonic()
        assert "file /a altered content cautious" in said(watch.check(), tree)
        assert time.monotonic() - began < 3, "it is not waited for again"
        assert [e for e in said(watch.check(), tree) if "dropped" in e] == []
        mount.die()
        assert eventually(lambda: watch.check() is not None and watch.record("files").success)


def test_a_configured_path_on_a_file_system_that_hangs_is_unseen(tmp_path: Path) -> None:
    (tmp_path / "fine").write_text("x")
    path = tmp_path / "hung" / "x" / "app.conf"
    with fuse.mounted(tmp_path / "hung"), watching(tmp_path, path, tmp_path / "fine", patience=0.3) as watch:
        page = watch.page()
    assert page.value("tocsin_file_exists", path=str(tmp_path / "fine")) == 1
    assert page.value("tocsin_file_exists", path=str(path)) is None
    assert page.value("tocsin_file_unseen", path=str(path), reason="timeout") == 1


def test_the_kernels_own_file_systems_are_not_looked_through(tmp_path: Path) -> None:
    with watching(tmp_path, "/proc/**") as watch:
        page = watch.page()
    assert page.value("tocsin_files", path="/proc/**") == 0
    assert page.value("tocsin_files_unseen", reason="config") == 1


def test_gzip_of_a_log_copy_belongs_to_its_rotation(log: Path, tmp_path: Path) -> None:
    """Compressed long after it was put aside, by another program."""
    log.rename(log.parent / "app.log.1")
    log.write_text("new\n")
    with watching(tmp_path, log.parent) as watch:
        copy = log.parent / "app.log.1"
        with gzip.open(f"{copy}.gz", "wb") as packed:
            packed.write(copy.read_bytes())
        assert watch.check() == [], "half done"
        copy.unlink()
        assert said(watch.check(), log.parent) == ["file /app.log rotated safe"]


# What configuration files say


def test_a_configuration_file_shows_what_changed_and_no_secret(tree: Path, tmp_path: Path) -> None:
    conf = tree / "app.conf"
    conf.write_text("host = db\nport = 5432\npassword = Tr0ub4dor&3\n")
    with watching(tmp_path, tree) as watch:
        conf.write_text("host = db2\nport = 5432\npassword = correcthorse9\n")
        (first,) = watch.check()
        _replace(conf, "host = db2\nport = 5433\npassword = batterystaple7\n")
        (second,) = watch.check()
        kept = b"".join(_memory(watch).values())
    for event in (first, second):
        assert "port = 5432" in event.detail["diff"]
    assert {"-host = db", "+host = db2"} <= set(first.detail["diff"].splitlines())
    assert {"-port = 5432", "+port = 5433"} <= set(second.detail["diff"].splitlines())
    import zlib

    for secret in (b"Tr0ub4dor", b"correcthorse9", b"batterystaple7"):
        assert secret.decode() not in f"{first}{second}"
        assert secret not in kept
        assert all(secret not in zlib.decompress(v) for k, v in _memory_of(tmp_path).items() if k.startswith("text:"))


def _memory_of(folder: Path) -> dict[str, bytes]:
    with contextlib.closing(sqlite3.connect(folder / "state" / "journal.db")) as db:
        return dict(db.execute("SELECT key, value FROM memory").fetchall())


def test_what_is_compared_is_forgotten_with_the_file_and_bounded(tree: Path, tmp_path: Path) -> None:
    (tree / "large.conf").write_text("x = 1\n" * 100_000)
    (tree / "id_rsa.conf").write_text("x = 1\n")
    (tree / "sub" / "app.conf").write_text("x = 1\n")
    with watching(tmp_path, tree) as watch:
        texts = [key for key in _memory(watch) if key.startswith("text:")]
        assert texts == [f"text:{tree}/id_rsa.conf", f"text:{tree}/sub/app.conf"]
        (tree / "large.conf").write_text("x = 2\n" * 100_000)
        (event,) = watch.check()
        assert "diff" not in event.detail
        shutil.rmtree(tree / "sub")
        (tree / "id_rsa.conf").unlink()
        watch.check()
        assert [key for key in _memory(watch) if key.startswith("text:")] == []
