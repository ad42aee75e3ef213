"""Being told which of many directories changed: a watch on each, taken while they are looked at, and what is dirty since.

A directory is watched before it is looked at. So nothing that happens in it is missed: it is seen by the look, or told after it. The
same holds for a new directory, which the look at the one above it finds.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

from tocsin.magic import Inode
from tocsin.watch import CHANGES, MODIFY, WATCHER, Mode, Watch, Watcher

_QUIET, _LONGEST_DELAY = 0.3, 0.7
"""Seconds without news after which what moved is told, and after which it is told anyway: a file is seldom written at one go."""
_RETRY = 60.0
_MOST_NAMES = 2_000

Patient = Callable[[str, str], bool]
"""Tells of a directory and a name whether its being written to can wait for the clock, as with a log that is always written to."""


class _Watched(NamedTuple):
    watch: Watch
    inode: Inode | None
    """Of the directory that the kernel watches, wherever it is moved to."""


class TreeWatch:
    """The watched directories of one target. `watch` and `take` are called by who looks, `wait` by who listens."""

    def __init__(self, watcher: Watcher = WATCHER) -> None:
        self._watcher = watcher
        self._lock = threading.Condition()
        self._watches: dict[str, _Watched] = {}
        self._dirty: dict[str, set[str] | None] = {}
        self._all = False
        self._since = self._latest = 0.0
        self._open = False
        self._mounts: _Mounts | None = None
        self._refused = 0.0
        self.patient: Patient = lambda _directory, _name: False
        self.wants: Patient = lambda _directory, _name: True
        self.overflows = 0
        self.refusals = 0
        """How often a watch was refused, because the kernel's limits are reached."""

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def is_refused(self) -> bool:
        """Whether the kernel's limits are reached: it is not asked for more watches for a while."""
        return time.monotonic() < self._refused

    def open(self) -> None:
        """Begin: from now on directories are watched as they are looked at. All of them are to be looked at once more."""
        with self._lock:
            self._open, self._all, self._refused = True, True, 0.0
            self._mounts = _Mounts()
            self._touch()

    def close(self) -> None:
        with self._lock:
            self._open = False
            watches = list(self._watches.values())
            self._watches.clear()
            if self._mounts is not None:
                self._mounts.close()
            self._lock.notify_all()
        for watched in watches:
            self._watcher.end(watched.watch)

    def watch(self, directory: str, path: str, mask: int = CHANGES) -> Mode:
        """Watch a directory, known by the first name and found at the second; tell whether it is, or must be polled.

        With a mask of 0 nothing is told of what happens in it, only that it is moved or gone.
        """
        if directory in self._watches:
            return "inotify"
        if not self._open or time.monotonic() < self._refused:
            return "polling"
        inode = _inode(path)  # before it is watched: if it is moved between the two, it counts as astray
        try:
            watch = self._watcher.watch(path, partial(self._told, directory), partial(self._lost, directory), mask)  # type: ignore[arg-type]
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENOSPC):  # the limits on instances and on watches
                self.refusals += 1
                self._refused = time.monotonic() + _RETRY
            return "polling"
        with self._lock:
            if self.is_open:
                self._watches[directory] = _Watched(watch, inode)
                return "inotify"
        self._watcher.end(watch)
        return "polling"

    def is_watched(self, directory: str) -> bool:
        return directory in self._watches

    def is_astray(self, directory: str, path: str) -> bool:
        """Tell whether what is watched is no longer at the path: moved with one above it, which nobody tells, or mounted over."""
        watched = self._watches.get(directory)
        return watched is not None and watched.inode != _inode(path)

    def forget(self, directory: str) -> None:
        with self._lock:
            watched = self._watches.pop(directory, None)
            self._dirty.pop(directory, None)
        if watched is not None:
            self._watcher.end(watched.watch)

    def forget_others(self, prefix: str, kept: Collection[str]) -> None:
        """Forget what is known by such a prefix and a name that is not among these."""
        for directory in [d for d in list(self._watches) if d.startswith(prefix) and d.removeprefix(prefix) not in kept]:
            self.forget(directory)

    def clear(self) -> None:
        """Forget all directories; they are watched anew as they are looked at."""
        for directory in list(self._watches):
            self.forget(directory)

    def mark(self, directory: str, names: set[str] | None) -> None:
        """Have a directory looked at again, soon."""
        with self._lock:
            self._add(directory, names)

    def take(self) -> tuple[dict[str, set[str] | None], bool]:
        """Return the directories in which something may have moved since, each with the names, None: any; and whether any may have."""
        with self._lock:
            dirty, self._dirty = self._dirty, {}
            everything, self._all = self._all, False
            self._since = 0.0
            return dirty, everything

    def wait(self, stopped: threading.Event) -> bool:
        """Wait until there is something to look at, and then until it is quiet for a moment; False when stopped."""
        with self._lock:
            while not stopped.is_set() and self._open:
                now = time.monotonic()
                if self._since:
                    due = min(self._latest + _QUIET, self._since + _LONGEST_DELAY)
                    if now >= due:
                        self._since = 0.0
                        return True
                    self._lock.wait(due - now)
                else:
                    self._lock.wait(0.5)
                    if self._mounts is not None and self._mounts.moved():
                        self._touch()
            return False

    def _told(self, directory: str, changes: Mapping[str, int]) -> None:
        names = {name for name in changes if self.wants(directory, name)}
        at_once = any(changes[name] != MODIFY or not self.patient(directory, name) for name in names)
        with self._lock:
            if names and directory in self._watches:
                self._add(directory, names, wake=at_once)

    def _lost(self, directory: str, gone: bool) -> None:
        with self._lock:
            if gone:
                self._watches.pop(directory, None)
                self._add(directory, None)
                above = directory.rpartition("/")[0]
                if above in self._watches:
                    self._add(above, None)
            elif not self._all:  # the queue ran over, which each directory is told of
                self.overflows += 1
                self._all = True
                self._touch()

    def _add(self, directory: str, names: set[str] | None, *, wake: bool = True) -> None:
        known = self._dirty.get(directory, set())
        both = None if names is None or known is None else known | names
        self._dirty[directory] = None if both is None or len(both) > _MOST_NAMES else both
        if wake:
            self._touch()

    def _touch(self) -> None:
        self._latest = time.monotonic()
        self._since = self._since or self._latest
        self._lock.notify_all()


class _Mounts:
    """Whether anything was mounted or unmounted since that was last asked. https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""

    def __init__(self) -> None:
        self._poll = select.poll()
        try:
            self._fd = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # no /proc: the clock finds it
            self._fd = -1
        else:
            self._poll.register(self._fd, select.POLLPRI)

    def moved(self) -> bool:
        return self._fd >= 0 and bool(self._poll.poll(0))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _inode(path: str) -> Inode | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- often
    except OSError:
        return None
    return (found.st_dev, found.st_ino)
