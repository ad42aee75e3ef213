"""Being told that files changed: one inotify instance for the whole process, and polling where the kernel cannot tell.

Directories are watched and not files, because files are replaced by renaming. The three calls go to libc directly:
of the packages there are, watchdog and watchfiles hide from their caller that the kernel's queue ran over, and what
inotify_simple wraps are the same three calls.
"""

from __future__ import annotations

import errno
import os
import select
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
"""What may happen to a name, as bits; see inotify(7)."""
CHANGES = MODIFY | ATTRIB | MOVED_FROM | MOVED_TO | CREATE | DELETE

_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
_ENDS = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED
_ONLY_DIRECTORIES, _NO_UNLINKED, _MASK_ADD = 0x01000000, 0x04000000, 0x20000000

_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024
_MOST_BUFFERS = 64
_IDLE_MS = 60_000
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2
_SHARE = 20
"""A reader of events rests this many times as long as it worked: it never takes more than a twentieth of a core for long."""

Mode = Literal["inotify", "polling"]


@dataclass(slots=True, eq=False)
class Watch:
    """One subscriber of one directory; both functions are called by the watcher's thread and must return at once.

    `told` gets names in the directory, each with the bits of what happened to it since the last call. `lost` says that
    events are missing: with False the kernel's queue ran over, with True the directory is gone and the watch with it.
    """

    told: Callable[[Mapping[str, int]], None]
    lost: Callable[[bool], None]
    number: int = -1


class Watcher:
    """An inotify instance with a thread that reads it; both exist while something is watched."""

    def __init__(self) -> None:
        self.overflows = 0
        """How often the kernel's queue ran over."""
        self._lock = threading.Lock()
        self._fd = -1
        self._watches: dict[int, list[Watch]] = {}

    def watch(self, directory: Path, told: Callable[[Mapping[str, int]], None], lost: Callable[[bool], None], mask: int = CHANGES) -> Watch:
        """Begin to tell. Raises OSError where the directory is none, or inotify's limits are reached (EMFILE, ENOSPC)."""
        watch = Watch(told, lost)
        with self._lock:
            fd = self._fd if self._fd >= 0 else _inotify("init1", os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                # Two subscribers of a directory share the kernel's watch, which gets the bits of both.
                flags = mask | _DELETE_SELF | _MOVE_SELF | _ONLY_DIRECTORIES | _NO_UNLINKED | _MASK_ADD
                watch.number = _inotify("add_watch", fd, os.fsencode(directory), flags)
                if self._fd < 0:
                    threading.Thread(target=self._work, args=(fd,), name="tocsin-inotify", daemon=True).start()
            except (OSError, RuntimeError) as error:
                if self._fd < 0:
                    os.close(fd)
                if isinstance(error, RuntimeError):
                    raise OSError(errno.EAGAIN, str(error)) from error
                raise
            self._fd = fd
            self._watches.setdefault(watch.number, []).append(watch)
        return watch

    def end(self, watch: Watch) -> None:
        """Tell the subscriber nothing more, but for what its thread is telling at this moment."""
        with self._lock:
            subscribers = self._watches.get(watch.number, [])
            if watch in subscribers:
                subscribers.remove(watch)
                if not subscribers:
                    self._forget(watch.number)

    def _forget(self, number: int) -> None:
        """Have the kernel end a watch, which it confirms by an event: the thread wakes up and sees what is left."""
        del self._watches[number]
        with suppress(OSError):  # the directory went first
            _inotify("rm_watch", self._fd, number)

    def _work(self, fd: int) -> None:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        finished = False
        try:
            while not finished:
                poll.poll(_IDLE_MS)
                began = time.thread_time()
                self._tell(*_read(fd))
                with self._lock:
                    finished = not self._watches
                    if finished:
                        self._close()
                time.sleep(min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, _SHARE * (time.thread_time() - began))))
        finally:
            if not finished:  # a mistake of ours: subscribers begin anew
                with self._lock:
                    orphans = [w for subscribers in self._watches.values() for w in subscribers]
                    self._close()
                for watch in orphans:
                    watch.lost(True)

    def _close(self) -> None:
        self._watches.clear()
        fd, self._fd = self._fd, -1
        os.close(fd)

    def _tell(self, changes: dict[int, dict[bytes, int]], overflow: bool) -> None:
        with self._lock:
            self.overflows += overflow
            news = [(list(self._watches.get(number, ())), names) for number, names in changes.items()]
            ended = []
            for number, names in changes.items():
                if names.get(b"", 0) & _ENDS and number in self._watches:
                    ended += self._watches[number]
                    self._forget(number)
            everybody = [w for subscribers in self._watches.values() for w in subscribers] if overflow else []
        for subscribers, names in news:
            decoded = {os.fsdecode(name): bits for name, bits in names.items() if name}
            for watch in subscribers if decoded else ():
                watch.told(decoded)
        for watch in ended:
            watch.lost(True)
        for watch in everybody:
            watch.lost(False)


def _read(fd: int) -> tuple[dict[int, dict[bytes, int]], bool]:
    """Empty the queue: per watch the names with their bits, those of the directory itself under b""; and whether it ran over."""
    found: dict[int, dict[bytes, int]] = {}
    overflow = False
    for _ in range(_MOST_BUFFERS):
        try:
            data = os.read(fd, _BUFFER)
        except BlockingIOError:
            break
        at = 0
        while at < len(data):
            number, bits, _cookie, size = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = data[at : at + size].rstrip(b"\0")
            at += size
            if bits & _OVERFLOW:
                overflow = True
                continue
            names = found.setdefault(number, {})
            names[name] = names.get(name, 0) | bits
    return found, overflow


def _inotify(call: str, *arguments: Any) -> int:
    import ctypes  # only where something is watched

    libc = ctypes.CDLL(None, use_errno=True)
    found = int(getattr(libc, f"inotify_{call}")(*arguments))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found


WATCHER = Watcher()
"""The process's own: the kernel allows a user only some 128 instances."""


# Where the kernel sees only what this machine changes, and another may change the file.
_REMOTE = frozenset(
    (
        "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
        "prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
    )
)  # fmt: skip
_CHECK_EVERY = 5.0
_POLL_EVERY = 2.0
_SECOND_LOOK, _THIRD_LOOK = 0.25, 0.75


class Files:
    """Tells when one of a few files may have changed, appeared or gone, by whichever way works.

    `run` is the body of a thread, so that a file system that hangs holds up nobody else.
    """

    def __init__(
        self,
        paths: Callable[[], Iterable[Path]],
        changed: Callable[[], None],
        mode_is: Callable[[Mode], None] = lambda _mode: None,
        watcher: Watcher = WATCHER,
    ) -> None:
        """`paths` is asked now and then: where a link leads may change."""
        self._paths = paths
        self._changed = changed
        self._mode_is = mode_is
        self._watcher = watcher
        self._watches: list[Watch] = []
        self._watched: dict[Path, frozenset[str]] = {}
        self._stirred = threading.Event()
        self._broken = False

    def stir(self) -> None:
        """Have `run` look at once, or see at once that it was stopped."""
        self._stirred.set()

    def run(self, stopped: threading.Event) -> None:
        """Tell until stopped. A burst of changes is told at its beginning and four times a second."""
        seen: object = None
        checked = 0.0
        try:
            while not stopped.is_set():
                if not self._watches or self._broken or time.monotonic() >= checked + _CHECK_EVERY:
                    if self._establish():
                        self._changed()
                    checked = time.monotonic()
                if not self._watches:
                    before, seen = seen, [_signature(path) for path in self._paths()]
                    if before not in (None, seen):
                        self._changed()
                if not self._stirred.wait(_CHECK_EVERY if self._watches else _POLL_EVERY):
                    continue
                self._stirred.clear()
                self._changed()
                # The event comes with the writing, which may be some time before readers shall see what was written.
                stopped.wait(_SECOND_LOOK)
                self._changed()
                if not self._stirred.wait(_THIRD_LOOK):
                    self._changed()
        finally:
            self._let_go()

    def _establish(self) -> bool:
        """See to it that the right directories are watched; tell whether that is so from now on."""
        wanted: dict[Path, frozenset[str]] = {}
        for path in self._paths():
            wanted[path.parent] = wanted.get(path.parent, frozenset()) | {path.name}
        if self._watches and not self._broken and wanted == self._watched:
            return False
        self._let_go()
        self._broken, self._watched = False, wanted
        try:
            for directory, names in wanted.items():
                if is_remote(directory):
                    raise OSError(errno.EREMOTE, os.strerror(errno.EREMOTE))
                self._watches.append(self._watcher.watch(directory, partial(self._told, names), self._lost))
        except OSError:
            self._let_go()
        self._mode_is("inotify" if self._watches else "polling")
        return bool(self._watches)

    def _told(self, names: frozenset[str], changes: Mapping[str, int]) -> None:
        if not names.isdisjoint(changes):
            self._stirred.set()

    def _lost(self, gone: bool) -> None:
        self._broken |= gone
        self._stirred.set()

    def _let_go(self) -> None:
        while self._watches:
            self._watcher.end(self._watches.pop())


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def is_remote(directory: Path) -> bool:
    """Tell whether other machines may change files there. Raises OSError where the directory cannot be looked at."""
    device = directory.stat().st_dev
    mark = f" {os.major(device)}:{os.minor(device)} "
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
            if mark in line:
                return is_remote_type(line.partition(" - ")[2].split(" ")[0])
    return False


def is_remote_type(fs_type: str) -> bool:
    """Tell whether a file system of that type is served by another machine or by a program."""
    return fs_type in _REMOTE or (fs_type.startswith("fuse") and fs_type != "fusectl")
