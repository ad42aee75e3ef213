"""What a file is by its first bytes: a database or none, found out without harm to whoever uses it."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Container, Iterator
from itertools import islice

SQLITE, DUCKDB = "sqlite", "duckdb"
MAGICS = ((SQLITE, 0, b"SQLite format 3\0"), (DUCKDB, 8, b"DUCK"))
"""Engine, offset and bytes. https://sqlite.org/fileformat2.html#the_database_header, https://duckdb.org/docs/stable/internals/storage"""
HEAD = 16
"""How many bytes tell."""
MOST_FILES = 100
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW

Inode = tuple[int, int]
"""Device and number of a file."""


def engine_of(head: bytes) -> str | None:
    """Return the kind of source that reads a file that begins so, None for what is no database."""
    for engine, at, magic in MAGICS:
        if head[at : at + len(magic)] == magic:
            return engine
    return None


def instead(head: bytes) -> str:
    """Return what to do about a file that begins so and is not the database that a target should be."""
    engine = engine_of(head)
    if engine:
        return f"; it is one of {engine}: give the target `kind: {engine}`"
    return "; is the path the one of the application's database, or is that encrypted?"


def written_here() -> frozenset[Inode]:
    """Return the files that this process has open to write to: the journal above all.

    To open and close such a file once more drops every lock that SQLite holds on it in this process (fcntl(2), record locks), and
    others may write into it at the same time. So it is never opened to be looked at.
    """
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 -- as text
        try:
            if fcntl.fcntl(int(name), fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                continue
            file = os.fstat(int(name))
        except OSError:  # closed meanwhile
            continue
        if stat.S_ISREG(file.st_mode):
            found.add((file.st_dev, file.st_ino))
    return frozenset(found)


def look(path: str, ours: Container[Inode]) -> str | None:
    """Return the engine whose database a file is, None for any other and for what may not be read. `ours` are never opened.

    A link is not followed, and of pipes and devices nothing is opened; the time of the last access stays as it is where this
    user may have it so.
    """
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size < HEAD or (found.st_dev, found.st_ino) in ours:
            return None
        fd = _open(path)
    except (OSError, ValueError):  # ValueError: a name that no system call takes
        return None
    try:
        found = os.fstat(fd)
        return engine_of(os.pread(fd, HEAD, 0)) if stat.S_ISREG(found.st_mode) else None
    except OSError:
        return None
    finally:
        os.close(fd)


def databases(place: str) -> Iterator[tuple[str, str]]:
    """Yield the databases in a place with their engines: of a file '' and its engine, of a folder '/name' of some of its files."""
    try:
        if stat.S_ISDIR(os.stat(place).st_mode):  # noqa: PTH116
            with os.scandir(place) as entries:
                names = ["/" + e.name for e in islice(entries, MOST_FILES) if e.is_file(follow_symlinks=False)]
        else:
            names = [""]
    except (OSError, ValueError):
        return
    ours = written_here()
    for name in sorted(names):
        if (engine := look(place + name, ours)) is not None:
            yield name, engine


def _open(path: str) -> int:
    try:
        return os.open(path, _FLAGS | os.O_NOATIME)
    except PermissionError:  # only a file's owner may ask for that
        return os.open(path, _FLAGS)
