"""What is in a file: its digest, and its text where it is small, read once and at a bounded pace."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Container
from typing import NamedTuple

from tocsin.filewatch.state import DATABASE, DENIED, LARGE, PENDING, FileState, of_stat
from tocsin.magic import HEAD, Inode, engine_of

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
_CHUNK = 256 * 1024
BESIDE_DATABASES = ("-wal", "-shm", "-journal", ".wal")
"""What databases append to their files' names for what they write beside them."""


class Content(NamedTuple):
    """A file's state with what was found in it, and its text where that was asked for and is one."""

    state: FileState
    text: str | None = None


class Pace:
    """How much may be read: so many bytes a second, of which ten seconds' worth can be saved up. Used by one thread at a time."""

    def __init__(self, bytes_per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._saved = 10 * bytes_per_second
        self._at = clock()
        self.total = 0
        """Bytes read since start."""

    def may_read(self) -> bool:
        """Tell whether another file may be begun; one that is larger than what is left is paid off later."""
        now = self._clock()
        self._saved = min(10 * self._rate, self._saved + (now - self._at) * self._rate)
        self._at = now
        return self._saved > 0

    def spend(self, size: int) -> None:
        self._saved -= size + 512  # opening a file costs, too
        self.total += size


def read(path: str, state: FileState, *, ours: Container[Inode], up_to: int, text_up_to: int = 0) -> Content:
    """Return the state with a digest, or with why there is none; the state as it is when it was read.

    Only regular files are opened, and no link is followed. What begins as a database does is let go at once: read while it is
    written, it would have a digest of what never was. `ours` are the files that this process writes; see `magic.written_here`.
    """
    if belongs_to_database(path, ours):
        return Content(state._replace(undigested=DATABASE))
    try:
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) in ours:
            return Content(state._replace(undigested=DATABASE))
        fd = open_to_look(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):  # gone, or something else meanwhile: the next look tells
            return Content(state._replace(undigested=PENDING))
        return Content(state._replace(undigested=DENIED))
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return Content(state._replace(undigested=PENDING))
        fresh = of_stat(found, stable_inodes=bool(state.inode))
        if engine_of(os.pread(fd, HEAD, 0)) is not None:
            return Content(fresh._replace(undigested=DATABASE))
        if found.st_size > up_to:
            return Content(fresh._replace(undigested=LARGE))
        return _digested(fd, fresh, up_to, text_up_to)
    except OSError:
        return Content(state._replace(undigested=DENIED))
    finally:
        os.close(fd)


def _digested(fd: int, state: FileState, up_to: int, text_up_to: int) -> Content:
    digest, kept, size = hashlib.sha256(), b"", 0
    while chunk := os.read(fd, _CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if len(kept) <= text_up_to:
            kept += chunk
        if size > up_to:  # it grew while it was read
            return Content(state._replace(undigested=LARGE))
    after = os.fstat(fd)
    if (after.st_mtime_ns, after.st_size) != (state.mtime_ns, state.size):
        return Content(of_stat(after, stable_inodes=bool(state.inode)))  # written meanwhile: the digest is of nothing that ever was
    state = state._replace(digest=digest.hexdigest(), undigested=None)
    text = None
    if text_up_to > 0 and len(kept) <= text_up_to and b"\0" not in kept:
        text = kept.decode("utf-8", "replace")
    return Content(state, text)


def belongs_to_database(path: str, ours: Container[Inode]) -> bool:
    """Tell whether a file is one that a database keeps beside its own: by its name, and by what that one is.

    What may not be read can be a database, and is left alone; `ours` are databases, and never opened.
    """
    return any(path.endswith(suffix) and _may_be_database(path.removesuffix(suffix), ours) for suffix in BESIDE_DATABASES)


def _may_be_database(path: str, ours: Container[Inode]) -> bool:
    try:
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) in ours:
            return True
        if not stat.S_ISREG(found.st_mode):
            return False
        fd = open_to_look(path)
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
    try:
        return engine_of(os.pread(fd, HEAD, 0)) is not None
    except OSError:
        return True
    finally:
        os.close(fd)


def open_to_look(path: str) -> int:
    """Open a file to read without a trace where that may be. Raises OSError; a link is not followed, and a pipe not waited for."""
    try:
        return os.open(path, _FLAGS | os.O_NOATIME)
    except PermissionError:  # only a file's owner may ask for that
        return os.open(path, _FLAGS)
