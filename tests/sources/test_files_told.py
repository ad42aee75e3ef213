"""Real files and a kernel that tells of them: what is told within a moment, once, whatever happens to the watches."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import fuse
from servers import until
from test_files import files_options
from tocsin.event import Event
from tocsin.journal import Journal
from tocsin.sources.files.view import view_of
from tools import lacking
from watching import Watch


class Told:
    """A target whose changes the kernel tells of; where not said otherwise the clock would find them only within the hour."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._seen = 0

    def events(self, most: int = 100_000) -> list[Event]:
        return self.watch.journal.events(since_id=self._seen, limit=most)

    def of(self, count: int, seconds: float = 20.0, quiet: float = 1.0) -> list[str]:
        """Return what is told: wait for so many events, and whether more come."""
        until(lambda: len(self.events()) >= count, seconds, 0.02)
        time.sleep(quiet)
        events = self.events()
        self._seen = events[-1].id or 0
        return [f"{e.object_kind} {Path(e.object).name} {e.change}" for e in events]


@contextlib.contextmanager
def told(folder: Path, *paths: Path, clock: float = 3600.0, **more: object) -> Iterator[Told]:
    options = files_options(*paths, every={"files": clock}, **more)
    with Watch(options, folder / "state") as watch:
        view = view_of(options)
        view.forget()
        watch.scheduler.start()
        until(lambda: watch.record("files").success and view.tree.is_open and view.looks["start"] + view.looks["overflow"], 20)
        time.sleep(1)
        yield Told(watch)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (root / name).write_text(f"this is {name}\n")
    return root


def test_changes_are_told_within_a_moment(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree) as watch:
        (tree / "a").write_text("more")
        assert watch.of(1) == ["file a altered"]
        (tree / ".new").write_text("other")
        (tree / ".new").rename(tree / "a")
        assert watch.of(1) == ["file a replaced"]
        (tree / "sub" / "c").chmod(0o666)
        assert watch.of(1) == ["file c altered"]
        (tree / "b").unlink()
        assert watch.of(1) == ["file b dropped"]
        assert watch.watch.page().value("tocsin_files_looked_into", mode="inotify") == 3  # with the one above the path
        assert watch.watch.page().value("tocsin_watch_mode", mode="listen") == 1


def test_a_new_directory_is_watched_however_fast_it_fills(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree) as watch:
        deep = tree / "n" / "e" / "w"
        deep.mkdir(parents=True)
        (deep / "first").write_text("x")
        assert watch.of(1) == ["directory n added"]
        (deep / "second").write_text("x")
        assert watch.of(1) == ["file second added"]


def test_a_tree_that_grows_while_it_is_looked_at_is_accounted_for_in_full(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree) as watch:
        for i in range(30):
            folder = tree / f"d{i}" / "e"
            folder.mkdir(parents=True)
            for j in range(10):
                (folder / f"f{j}").write_text("x")
            time.sleep(0.02)
        until(lambda: watch.watch.page().value("tocsin_files", path=str(tree)) == 303, 30)
        time.sleep(1)
        events = watch.events()
    files = sum(e.detail.get("files", 0) if e.object_kind == "directory" else 1 for e in events)
    assert files == 300
    assert {e.change for e in events} == {"added"}


def test_a_moved_directory_is_told_under_its_new_name(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree) as watch:
        (tree / "sub").rename(tree / "bus")
        assert watch.of(1) == ["directory sub renamed"]
        (tree / "bus" / "c").write_text("more")
        assert watch.of(1) == ["file c altered"]
        assert [e.object for e in watch.watch.journal.events(limit=10)][-1] == str(tree / "bus" / "c")
        shutil.rmtree(tree / "bus")
        assert watch.of(1) == ["directory bus dropped"]
        (tree / "bus").mkdir()
        assert watch.of(1) == ["directory bus added"]
        (tree / "bus" / "n").write_text("x")
        assert watch.of(1) == ["file n added"]


def test_a_directory_made_anew_in_place_of_a_moved_one_is_watched_to_its_depth(tree: Path, tmp_path: Path) -> None:
    (tree / "sub" / "deep" / "er").mkdir(parents=True)
    with told(tmp_path, tree) as watch:
        (tree / "sub").rename(tree / "sub.old")
        (tree / "sub" / "deep" / "er").mkdir(parents=True)
        until(lambda: any(Path(e.object).name == "sub.old" for e in watch.events()), 20)
        watch.of(1)
        (tree / "sub" / "deep" / "n").write_text("x")
        (tree / "sub" / "deep" / "er" / "n").write_text("x")
        assert watch.of(2) == ["file n added", "file n added"]
        (tree / "sub.old" / "deep" / "o").write_text("x")
        assert watch.of(1) == ["file o added"]
        assert watch.watch.journal.events(limit=1, newest=True)[0].object == str(tree / "sub.old" / "deep" / "o")


def test_a_configured_directory_whose_parent_was_moved_is_the_new_one(tmp_path: Path) -> None:
    conf = tmp_path / "par" / "in" / "conf"
    (conf / "d").mkdir(parents=True)
    with told(tmp_path, conf, clock=1.0) as watch:
        (tmp_path / "par").rename(tmp_path / "par.old")
        (conf / "d").mkdir(parents=True)
        (conf / "d" / "first").write_text("x")
        until(lambda: any(Path(e.object).name == "first" for e in watch.events()), 20)
        watch.of(1)
        looks = view_of(watch.watch.options).looks
        before = looks["clock"]
        (conf / "d" / "second").write_text("x")
        (tmp_path / "par.old" / "in" / "conf" / "d" / "third").write_text("x")
        assert watch.of(1) == ["file second added"]
        assert looks["clock"] == before, "the kernel told of it"


def test_a_parent_that_is_moved_away_and_back_is_told_both_times_within_a_moment(tmp_path: Path) -> None:
    conf = tmp_path / "par" / "in" / "conf"
    (conf / "d").mkdir(parents=True)
    (conf / "d" / "f").write_text("one")
    with told(tmp_path, conf) as watch:
        for turn in range(2):
            (tmp_path / "par").rename(tmp_path / "par.old")
            assert watch.of(1) == ["directory conf dropped"]
            (tmp_path / "par.old" / "in" / "conf" / "d" / "f").chmod(0o4755)
            (tmp_path / "par.old").rename(tmp_path / "par")
            assert watch.of(2) == ["file f added", "directory conf added"]
            (conf / "d" / "f").write_text(f"turn {turn}")
            assert watch.of(1) == ["file f altered"]


def test_a_path_that_comes_step_by_step_is_told_within_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "there" / "app.conf"
    with told(tmp_path, path) as watch:
        for folder in reversed(path.parents[:3]):
            folder.mkdir()
            time.sleep(1)
        path.write_text("x = 1")
        assert watch.of(1) == ["file app.conf added"]
        shutil.rmtree(tmp_path / "not")
        assert watch.of(1) == ["file app.conf dropped"]
        path.parent.mkdir(parents=True)
        path.write_text("x = 1")
        assert watch.of(1) == ["file app.conf added"]


def test_what_happens_beside_a_configured_path_wakes_nobody(tmp_path: Path) -> None:
    conf = tmp_path / "par" / "conf"
    conf.mkdir(parents=True)
    (conf / "f").write_text("x")
    with told(tmp_path, conf / "f") as watch:
        looks = view_of(watch.watch.options).looks
        time.sleep(2)  # what is listened to since the start is looked at once more
        before = dict(looks)
        for i in range(20):
            (tmp_path / "par" / f"n{i}").write_text("x")
            (tmp_path / f"n{i}").write_text("x")
        time.sleep(2)
        assert dict(looks) == before


@contextlib.contextmanager
def bound(what: Path, where: Path) -> Iterator[None]:
    if subprocess.run(["mount", "--bind", what, where], capture_output=True, check=False).returncode:
        lacking("only root mounts, and not in every container")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", where], check=False)


def test_what_is_mounted_over_a_directory_is_seen_and_watched_and_what_it_hid_afterwards(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for folder in (other, tree / "sub"):
        (folder / "deep").mkdir(parents=True)
    with told(tmp_path, tree) as watch:
        with bound(other, tree / "sub"):
            until(lambda: any(Path(e.object).name == "sub" for e in watch.events()), 20)
            assert sorted(watch.of(3)) == ["directory deep replaced", "directory sub replaced", "files sub dropped"]
            looks = view_of(watch.watch.options).looks
            before = looks["clock"]
            (tree / "sub" / "deep" / "n").write_text("x")
            assert watch.of(1) == ["file n added"]
            assert looks["clock"] == before, "the kernel told of it"
        until(lambda: any(Path(e.object).name == "sub" for e in watch.events()), 20)
        watch.of(3)
        (tree / "sub" / "deep" / "m").write_text("x")
        assert watch.of(1) == ["file m added"]


def test_what_a_mount_hides_is_told_as_one_and_not_as_lost(tree: Path, tmp_path: Path) -> None:
    for i in range(150):
        (tree / "sub" / f"f{i}").write_text("x")
    other = tmp_path / "other"
    other.mkdir()
    (other / "n").write_text("x")
    (other / "run").write_text("x")
    (other / "run").chmod(0o4755)

    def about_files(watch: Told) -> list[tuple[str, str, object]]:
        until(lambda: any(e.object_kind == "files" for e in watch.events()), 20)
        watch.of(3)
        found = [e for e in watch.watch.journal.events(limit=1000) if e.object_kind == "files"]
        assert all(str(tree / "sub") in (e.reason or "") for e in found)
        return [(e.change, str(e.risk), e.detail["count"]) for e in found]

    with told(tmp_path, tree) as watch, bound(other, tree / "sub"):
        found = about_files(watch)
        assert sorted(found) == [("added", "safe", 1), ("dropped", "breaking", 151)]
        everything = watch.watch.journal.events(limit=1000)
        assert [e.object for e in everything if e.object_kind == "file"] == [str(tree / "sub" / "run")], "the rest is told as one"
        assert "was mounted" in " ".join(e.reason or "" for e in everything)


def test_a_file_that_is_written_slowly_is_not_an_event_a_piece(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree) as watch:
        with (tree / "a").open("w") as file:
            for _ in range(8):
                file.write("piece")
                file.flush()
                time.sleep(0.1)
        events = watch.of(1)
        assert set(events) == {"file a altered"}
        assert len(events) <= 3  # one, but for a machine on which a tenth of a second takes three


def test_when_the_kernels_queue_runs_over_everything_is_looked_at(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree, clock=10.0) as watch:
        tree_watch = view_of(watch.watch.options).tree
        from tocsin.watch import WATCHER

        before = WATCHER.overflows
        with WATCHER._lock:  # the reader stands still, and the kernel keeps 16384 of what happens
            for i in range(20_000):
                (tree / "sub" / f"f{i}").touch()
            (tree / "a").write_text("more")
        until(lambda: any(e.object == str(tree / "a") for e in watch.events()), 60)
        until(lambda: sum(e.detail.get("count", 1) for e in watch.events() if e.change == "added") >= 20_000, 60)
        assert WATCHER.overflows > before
        assert tree_watch.overflows >= 1
        until(lambda: watch.watch.page().value("tocsin_files_looks_total", cause="overflow") > 0)
        time.sleep(1)
        assert sum(e.detail.get("count", 1) for e in watch.events() if e.change == "added") == 20_000


def test_our_own_journal_does_not_tell_of_its_own_changes_for_ever(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tmp_path) as watch:
        (tree / "a").write_text("more")
        assert watch.of(1) == ["file a altered"]
        time.sleep(3)

        def written() -> object:
            return watch.watch.journal._db.execute("SELECT value FROM memory WHERE key = 'token'").fetchall()

        before = written()
        time.sleep(4)
        assert written() == before
        assert watch.events() == []


def test_a_remote_file_system_polls_and_the_rest_is_told(tree: Path, tmp_path: Path) -> None:
    with fuse.mounted(tree / "mnt"), told(tmp_path, tree, patience=0.2) as watch:
        (tree / "a").write_text("more")
        assert watch.of(1) == ["file a altered"]
        assert watch.watch.page().value("tocsin_files_unseen", reason="timeout") == 1


def test_the_clock_and_the_kernel_tell_the_same_once(tree: Path, tmp_path: Path) -> None:
    with told(tmp_path, tree) as watch:
        stop = threading.Event()

        def clock() -> None:
            while not stop.wait(0.05):
                watch.watch.scheduler.run_scheduled_once([watch.watch.target], 10)

        thread = threading.Thread(target=clock, daemon=True)
        thread.start()
        for i in range(20):
            (tree / f"n{i}").write_text("x")
            time.sleep(0.1)
        time.sleep(3)
        stop.set()
        thread.join(20)
        # A look between the creation and its writing tells of both: that is no second telling of the creation.
        told_added = [event for event in watch.of(20) if event.endswith(" added")]
        assert sorted(told_added) == sorted(f"file n{i} added" for i in range(20))


SERVE = """
import signal, sys, threading
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from tocsin.config import Config
from tocsin.journal import Journal
from tocsin.runner import Runner
from tocsin.scheduler import Scheduler
from tocsin.sources.files.config import FilesOptions
from tocsin.store import Store
state = Path(sys.argv[1])
options = FilesOptions(name="files", kind="files", paths=(sys.argv[2],), every={"files": 0.5})
store = Store()
scheduler = Scheduler(Runner(Journal(state), store))
scheduler.apply(Config(state_dir=state, targets=(options,)))
scheduler.start()
print("ready", flush=True)
for line in sys.stdin:
    print(b" ".join(b"".join(b"".join(getattr(f, "lines", [f])) for f in families.values()) for families in store.of("files")), flush=True)
"""


@contextlib.contextmanager
def process(tree: Path, state: Path, *wrapper: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [*wrapper, sys.executable, "-c", SERVE, str(state), str(tree)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.communicate(timeout=20)


def test_kill_9_at_any_moment_loses_nothing_and_tells_nothing_twice(tree: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with process(tree, state):
        time.sleep(3)
    made = 0
    for pause in (0.3, 0.45, 0.6, 0.75, 0.9, 1.2, 1.8):
        with process(tree, state) as child:
            for _ in range(6):
                (tree / "sub" / f"f{made}").write_text("x")
                made += 1
                time.sleep(pause / 6)
            os.kill(child.pid, signal.SIGKILL)
    with process(tree, state):
        time.sleep(4)
    with contextlib.closing(Journal(state)) as journal:
        told = [(e.object, e.change) for e in journal.events(limit=1000)]
    assert sorted(told) == sorted((str(tree / "sub" / f"f{i}"), "added") for i in range(made))


def test_where_the_kernel_has_no_watches_left_directories_are_looked_at(tree: Path, tmp_path: Path) -> None:
    limited = ("unshare", "-Ur", "sh", "-c", 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh")
    if shutil.which("unshare") is None or subprocess.run([*limited, "true"], capture_output=True, check=False).returncode:
        lacking("a limit on watches of the test's own needs user namespaces")
    for i in range(6):
        (tree / f"d{i}").mkdir()
    with process(tree, tmp_path / "state", *limited) as child:
        time.sleep(4)
        for i in range(6):
            (tree / f"d{i}" / "n").write_text("x")
        time.sleep(6)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("page\n")
        child.stdin.flush()
        page = child.stdout.readline()
    with contextlib.closing(Journal(tmp_path / "state")) as journal:
        assert sorted(e.object for e in journal.events()) == [str(tree / f"d{i}" / "n") for i in range(6)]
    assert 'tocsin_files_limit_reached{limit="watches"} 1' in page
    assert 'tocsin_files_looked_into{mode="inotify"} 2' in page
