"""Real files and the kernel's real events: every change is told, also when directories come and go and when the kernel cannot keep up."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from servers import until
from tocsin import watch
from tocsin.watch import CREATE, DELETE, MODIFY, MOVED_FROM, MOVED_TO, Files, Watch, Watcher


class Told:
    """What a subscriber heard."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.calls = 0
        self.lost: list[bool] = []

    def told(self, changes: Mapping[str, int]) -> None:
        self.calls += 1
        for name, bits in changes.items():
            self.names[name] = self.names.get(name, 0) | bits


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    found = Watcher()
    yield found
    for subscribers in list(found._watches.values()):
        for one in list(subscribers):
            found.end(one)
    until(lambda: found._fd == -1, 5)


def subscribe(watcher: Watcher, folder: Path) -> tuple[Told, Watch]:
    told = Told()
    return told, watcher.watch(folder, told.told, told.lost.append)


def inotify_files() -> int:
    found = 0
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the folder's own, just closed
            found += "inotify" in str(fd.readlink())
    return found


def test_names_are_told_with_what_happened_to_them(watcher: Watcher, tmp_path: Path) -> None:
    told, _ = subscribe(watcher, tmp_path)
    (tmp_path / "a").write_text("1")
    (tmp_path / "b\udcff").touch()
    (tmp_path / "a").rename(tmp_path / "c")
    (tmp_path / "c").unlink()
    until(lambda: told.names.get("c", 0) & DELETE, 5)
    assert told.names["a"] & (CREATE | MODIFY | MOVED_FROM) == CREATE | MODIFY | MOVED_FROM
    assert told.names["c"] & MOVED_TO
    assert "b\udcff" in told.names


def test_a_burst_is_told_in_few_calls_and_without_a_name_too_few(watcher: Watcher, tmp_path: Path) -> None:
    told, _ = subscribe(watcher, tmp_path)
    for i in range(3000):
        (tmp_path / f"f{i}").touch()
    until(lambda: len(told.names) == 3000, 20)
    assert told.calls < 500
    assert told.lost == []


def test_subscribers_of_one_directory_share_its_watch_and_leave_one_by_one(watcher: Watcher, tmp_path: Path) -> None:
    one, first = subscribe(watcher, tmp_path)
    other, second = subscribe(watcher, tmp_path)
    (tmp_path / "a").touch()
    until(lambda: "a" in one.names and "a" in other.names, 5)
    watcher.end(first)
    watcher.end(first)
    (tmp_path / "b").touch()
    until(lambda: "b" in other.names, 5)
    assert "b" not in one.names
    watcher.end(second)
    until(lambda: watcher._fd == -1, 5)


def test_instance_and_thread_exist_only_while_something_is_watched(tmp_path: Path) -> None:
    watcher = Watcher()
    before = inotify_files()
    for _ in range(3):
        told, watching = subscribe(watcher, tmp_path)
        assert inotify_files() == before + 1
        (tmp_path / "a").touch()
        until(lambda told=told: "a" in told.names, 5)
        (tmp_path / "a").unlink()
        watcher.end(watching)
        until(lambda: inotify_files() == before, 5)
    until(lambda: not [t for t in threading.enumerate() if t.name == "tocsin-inotify"], 5)


@pytest.mark.parametrize("gone", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("elsewhere"))])
def test_directory_that_goes_ends_its_watch(watcher: Watcher, tmp_path: Path, gone: Callable[[Path], object]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    told, watching = subscribe(watcher, folder)
    gone(folder)
    until(lambda: told.lost == [True], 5)
    watcher.end(watching)
    folder.mkdir()
    again, _ = subscribe(watcher, folder)
    (folder / "a").touch()
    until(lambda: "a" in again.names, 5)
    assert "a" not in told.names


def test_what_cannot_be_watched_is_an_error_and_leaves_nothing_open(watcher: Watcher, tmp_path: Path) -> None:
    before = inotify_files()
    for path in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(OSError):
            subscribe(watcher, path)
    assert inotify_files() == before


def test_queue_that_runs_over_is_told_to_everybody(watcher: Watcher, tmp_path: Path) -> None:
    """The kernel's own queue, filled while the reader is kept busy by another subscriber."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 100_000:
        pytest.skip("this machine's queue is too long to fill")
    quiet, busy = tmp_path / "quiet", tmp_path / "busy"
    quiet.mkdir()
    busy.mkdir()
    told, _ = subscribe(watcher, quiet)
    hold = threading.Event()
    lost: list[bool] = []
    watcher.watch(busy, lambda _changes: hold.wait(60) and None, lost.append)  # type: ignore[func-returns-value]
    (busy / "first").touch()
    time.sleep(0.1)
    for i in range(most // 2 + 100):  # a name's creation and its removal are two events
        (busy / f"f{i % 7}").touch()
        (busy / f"f{i % 7}").unlink()
    hold.set()
    until(lambda: told.lost == [False] and lost == [False], 20)
    assert watcher.overflows == 1
    (quiet / "later").touch()
    until(lambda: "later" in told.names, 5)


# A few files, by whichever way works


class Watching:
    def __init__(self, *paths: Path) -> None:
        self.changes = 0
        self.modes: list[str] = []
        self.stopped = threading.Event()
        self.files = Files(lambda: paths, self._changed, self._mode_is, Watcher())
        self.thread = threading.Thread(target=self.files.run, args=(self.stopped,), daemon=True)

    def _changed(self) -> None:
        self.changes += 1

    def _mode_is(self, mode: str) -> None:
        if self.modes[-1:] != [mode]:
            self.modes.append(mode)


@contextlib.contextmanager
def watching(*paths: Path) -> Iterator[Watching]:
    found = Watching(*paths)
    found.thread.start()
    try:
        until(lambda: found.modes, 5)
        yield found
    finally:
        found.stopped.set()
        found.files.stir()
        found.thread.join(5)
        assert not found.thread.is_alive()
        until(lambda: found.files._watcher._fd == -1, 5)


def told_of(found: Watching, act: Callable[[], object]) -> bool:
    """Tell whether an act is told, beyond what the acts before it still are."""
    quiet = -1
    while quiet != found.changes:
        quiet = found.changes
        time.sleep(1.3)
    act()
    until(lambda: found.changes > quiet, 10)
    return True


def test_writing_replacing_removing_and_coming_back_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    with watching(path, tmp_path / "a-wal") as found:
        assert found.modes == ["inotify"]
        assert told_of(found, lambda: path.write_text("1"))
        (tmp_path / "new").write_text("2")
        assert told_of(found, lambda: (tmp_path / "new").rename(path))
        assert told_of(found, path.unlink)
        assert told_of(found, lambda: path.write_text("3"))
        assert told_of(found, lambda: (tmp_path / "a-wal").touch())


def test_other_files_of_the_directory_are_nobodys_business(tmp_path: Path) -> None:
    with watching(tmp_path / "a") as found:
        until(lambda: found.changes == 1, 5)  # what was written before the watch stood
        for i in range(50):
            (tmp_path / f"other{i}").write_text("x")
        time.sleep(0.5)
        assert found.changes == 1


def test_a_change_is_told_again_because_the_first_look_may_be_too_early(tmp_path: Path) -> None:
    with watching(tmp_path / "a") as found:
        until(lambda: found.changes == 1, 5)
        (tmp_path / "a").touch()
        until(lambda: found.changes >= 4, 5)


def test_file_that_is_written_without_a_pause_is_told_a_few_times_a_second(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with watching(path) as found, path.open("w", buffering=1) as file:
        limit = time.monotonic() + 3
        while time.monotonic() < limit:
            file.write("x\n")
            time.sleep(0.001)
        assert 3 <= found.changes <= 30


def test_directory_that_does_not_exist_yet_is_polled_and_then_watched(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with watching(folder / "a") as found:
        assert found.modes == ["polling"]
        folder.mkdir()
        (folder / "a").touch()
        until(lambda: found.modes == ["polling", "inotify"] and found.changes, 10)
        assert told_of(found, lambda: (folder / "a").write_text("1"))
        shutil.rmtree(folder)
        until(lambda: found.modes[-1] == "polling", 10)


def test_remote_file_system_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "is_remote", lambda _directory: True)
    path = tmp_path / "a"
    path.touch()
    with watching(path) as found:
        assert found.modes == ["polling"]
        assert told_of(found, lambda: path.write_text("1"))
        assert told_of(found, path.unlink)


@pytest.mark.parametrize("call", ["init1", "add_watch"])
def test_reached_limits_mean_polling_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    real = watch._inotify

    def full(name: str, *arguments: object) -> int:
        if name == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(name, *arguments)

    monkeypatch.setattr(watch, "_inotify", full)
    path = tmp_path / "a"
    path.touch()
    with watching(path) as found:
        assert found.modes == ["polling"]
        assert told_of(found, lambda: path.write_text("1"))
        monkeypatch.setattr(watch, "_inotify", real)
        until(lambda: found.modes == ["polling", "inotify"], 10)


def test_kind_of_file_system_is_read_from_the_kernels_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path.stat().st_dev
    where = f"{os.major(device)}:{os.minor(device)}"
    for kind, remote in (("nfs4", True), ("fuse.sshfs", True), ("ext4", False), ("overlay", False)):
        text = f"22 1 0:99 / /proc rw - proc proc rw\n29 1 {where} / /srv rw,relatime shared:1 - {kind} source rw\n"
        monkeypatch.setattr(Path, "read_text", lambda _self, *_a, text=text, **_k: text)
        assert watch.is_remote(tmp_path) is remote, kind
    monkeypatch.undo()
    assert watch.is_remote(Path("/proc")) is False
