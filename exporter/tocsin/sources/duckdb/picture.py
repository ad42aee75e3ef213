"""The files of a DuckDB database as another process writes them: headers, write-ahead logs and locks, read without the library.

DuckDB's own read-only mode is no good for a monitor: it fails while the application has the file open for
writing, and when it succeeds it takes a lock that makes the application's next opening for writing fail. So
nothing here ever takes a lock. What is read is one still picture: the headers as they were, and as much of
the logs as there was, which only ever grow. A checkpoint is what spoils it, because blocks that the old
headers lead to may be used anew after it; each writes a header with a higher iteration, so `verify` tells.
Blocks of metadata are written again before that, in their place; where one is caught at it, its checksum tells (see `damage`).

Opening and closing a file drops all POSIX locks that the process has on it. Here that harms nobody, because
the exporter itself never holds a DuckDB connection: the library lives in a child process, which reads
through this module too and opens no database file by itself.

Layout: https://duckdb.org/docs/stable/internals/storage.html; one header of the file and two of the database,
4096 bytes each, begin with a checksum of 8 bytes. Of the two the one with the higher iteration is in force.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from tocsin.errors import ConnectError, LockedError, PrivilegeError, SetupError
from tocsin.magic import instead

T = TypeVar("T")

MAIN, WAL, CHECKPOINT_WAL = "", ".wal", ".wal.checkpoint"
"""What is appended to a database's name. While a checkpoint is going on, commits are logged in a second log."""

_HEADER = 4096
_HEADERS = 3 * _HEADER
_DEFAULT_BLOCK_SIZE = 262_144
_ENCRYPTED = 1
_SEE_BELOW = 999
"""The storage version of a file whose version stands in the database's headers, as it does since DuckDB 2.0."""

_CHUNK = 2**20
_TRIES = 50


class Moved(Exception):
    """The files changed while they were read."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the headers say about the database as of its last checkpoint."""

    storage_version: int
    library: str
    """The version of DuckDB that created the file."""
    encrypted: bool
    identifier: bytes
    """Random bytes of this one database; zeros in files of storage versions before 67."""
    iteration: int
    blocks: int
    block_size: int


@dataclass(frozen=True, slots=True)
class Lock:
    """Who has the file open: `state` is unlocked, read_locked or write_locked. A pid of 0 is one of another namespace."""

    state: str
    pid: int | None = None


class Picture:
    """One consistent view of a database's files. Use it, then `verify()`, then `close()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._real = Path(os.path.realpath(path))  # DuckDB names the logs after the file that a link leads to
        self._fds: dict[str, int] = {}
        self._copies: dict[str, bytes] = {}
        try:
            self._open(MAIN)
            self._head = os.pread(self._fds[MAIN], _HEADERS, 0)
            self.header = _header(path, self._head)
            self._open(WAL)
            self._open(CHECKPOINT_WAL)
            found = {name: os.fstat(fd) for name, fd in self._fds.items()}
            self.sizes = {name: status.st_size for name, status in found.items()}
            self._marks = {name: (status.st_dev, status.st_ino) for name, status in found.items()}
            self.modified = found[MAIN].st_mtime_ns
        except BaseException:
            self.close()
            raise

    def _open(self, name: str) -> None:
        path = self._beside(name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            if name == MAIN:
                raise ConnectError(f"{path} does not exist; check the path, and that the application has created it") from None
            return
        except PermissionError:
            raise PrivilegeError(f"{path} may not be read by this user; give tocsin's user read permission on it") from None
        except OSError as error:
            raise ConnectError(f"{path} cannot be opened: {error.strerror}") from error
        self._fds[name] = fd
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise SetupError(f"{path} is not a file; the path of a target is that of the database file itself")

    def _beside(self, name: str) -> Path:
        return self._real.with_name(self._real.name + name) if name else self.path

    @property
    def is_copy(self) -> bool:
        return bool(self._copies)

    @property
    def wal_size(self) -> int:
        return sum(size for name, size in self.sizes.items() if name != MAIN)

    @property
    def blocks_in_file(self) -> int:
        return (self.sizes[MAIN] - _HEADERS) // self.header.block_size

    def gate(self) -> str:
        """Return what moves with every commit and every checkpoint, and when another file is put in this one's place."""
        logs = [f"{self.inode(name)}.{self.sizes[name]}" for name in (WAL, CHECKPOINT_WAL) if name in self.sizes]
        return ":".join([self.since_checkpoint(), str(self.sizes[MAIN]), *logs])

    def since_checkpoint(self) -> str:
        """Return what moves with every checkpoint, and when another file is put in this one's place."""
        # Without an identifier two databases may agree in their headers; then the time of the last write must do.
        since = "" if any(self.header.identifier) else f"@{self.modified}"
        return f"{self.inode(MAIN)}{since}.{sha256(self._head).hexdigest()[:32]}"

    def inode(self, name: str) -> int:
        """Return the inode number of one of the files, 0 where there is none."""
        return self._marks[name][1] if name in self._marks else 0

    def read(self, name: str, amount: int, offset: int) -> bytes:
        """Return bytes of one of the files, as far as it reached when the picture was taken. Raises Moved.

        A block is used anew only after the checkpoint that gave it free has written its header. So bytes are good if
        the headers are the old ones after they were read, but for a block of metadata that is just being added to, which
        the library refuses by its checksum. Bytes of a block used anew may well crash it.
        """
        amount = min(amount, self.sizes[name] - offset)
        if amount <= 0:
            return b""
        if name in self._copies:
            return self._copies[name][offset : offset + amount]
        data = os.pread(self._fds[name], amount, offset)
        self.verify_headers()
        return data

    def verify_headers(self) -> None:
        """Raise Moved if a checkpoint was finished meanwhile."""
        if self._copies:
            return
        if os.pread(self._fds[MAIN], _HEADERS, 0) != self._head:
            raise Moved

    def headers_with_checksums(self) -> bytes:
        """Return the headers as they are, each behind the checksum that it should have."""
        blocks = [self._head[at + 8 : at + _HEADER] for at in range(0, _HEADERS, _HEADER)]
        return b"".join(struct.pack("<Q", _checksum(block)) + block for block in blocks)

    def copy(self) -> None:
        """Take all bytes into memory, so that what is done with them next may take its time. Raises Moved."""
        copies = {name: b"".join(self._parts(name)) for name in self.sizes}
        self.verify()
        self._copies = copies

    def _parts(self, name: str) -> Iterator[bytes]:
        """Yield all of a file in parts that end where blocks do: a writer has less time to come between half a block and the other."""
        first = _HEADERS if name == MAIN else 0
        yield self.read(name, first, 0)
        for at in range(first, self.sizes[name], _CHUNK):
            yield self.read(name, _CHUNK, at)

    def lock(self) -> Lock | None:
        """Ask the kernel who holds a lock that would keep us from writing; asking takes none. None where there are no locks."""
        query = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        try:
            kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(self._fds[MAIN], fcntl.F_GETLK, query))
        except OSError:
            return None
        return Lock("unlocked") if kind == fcntl.F_UNLCK else Lock("write_locked" if kind == fcntl.F_WRLCK else "read_locked", pid)

    def verify(self) -> None:
        """Raise Moved if a checkpoint was finished meanwhile, or a file was replaced."""
        self.verify_headers()
        if self._copies:
            return
        for name in (MAIN, WAL, CHECKPOINT_WAL):
            try:
                found = self._beside(name).stat()
            except OSError:
                if name in self._marks:
                    raise Moved from None
                continue
            # A log that is new belongs to later commits: what was seen is still what was true before them.
            if name in self._marks and ((found.st_dev, found.st_ino) != self._marks[name] or found.st_size < self.sizes[name]):
                raise Moved

    def close(self) -> None:
        while self._fds:
            os.close(self._fds.popitem()[1])


def _header(path: Path, head: bytes) -> Header:
    if not head:
        raise SetupError(f"{path} is empty: no application has made a DuckDB database of it yet")
    if head[8:12] != b"DUCK":
        raise SetupError(f"{path} is not a DuckDB database{instead(head)}")
    if len(head) < _HEADERS:
        raise SetupError(f"{path} is damaged: it ends within its headers, after {len(head)} bytes; restore it from a backup")
    version, flags = struct.unpack_from("<QQ", head, 12)
    first, second = (struct.unpack_from("<QQQQQQQ", head, at + 8) for at in (_HEADER, 2 * _HEADER))
    # DuckDB takes the second of two that are equal, as they are in a new file.
    iteration, _, _, blocks, block_size, _, compatible = first if first[0] > second[0] else second
    if version == _SEE_BELOW and not flags & _ENCRYPTED:
        version = compatible
    library = head[52:84].rstrip(b"\0").decode("ascii", "replace")
    return Header(version, library, bool(flags & _ENCRYPTED), head[124:140], iteration, blocks, block_size or _DEFAULT_BLOCK_SIZE)


def _checksum(block: bytes) -> int:
    """Return DuckDB's checksum of a header: its 64-bit words, each times a constant, put together."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        found ^= word * 0xBF58476D1CE4E5B9 & 2**64 - 1
    return found


def read_picture(path: Path, read: Callable[[Picture], T], deadline: float) -> T:
    """Return what `read` makes of a picture that stood still meanwhile; taken again until one did.

    Raises LockedError when none did within a number of tries or by the deadline (monotonic seconds).
    """
    for _ in range(_TRIES):
        try:
            with closing(Picture(path)) as picture:
                found = read(picture)
                picture.verify()
                return found
        except Moved:
            if time.monotonic() > deadline:
                break
            time.sleep(0.001)
    raise LockedError(f"{path} is being checkpointed all the time; it will be read when its application pauses")
