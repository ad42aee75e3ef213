"""Reading a SQLite database that somebody else is using, without a lock and without leaving a file behind.

SQLite's own read-only mode is no good for a monitor. On a write-ahead log it creates `-wal` and `-shm` files
that may belong to the wrong user, which breaks the application; on a rollback journal its shared lock can
make the application's commit fail. So the library reads through a file layer of ours that shows it one
still picture: each page comes from the newest committed frame of the log, else from the main file. The
picture is taken without any lock, and checked after use: if the files moved under it, it is thrown away.

Formats: https://www.sqlite.org/fileformat2.html and https://www.sqlite.org/walformat.html.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from array import array
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from tocsin.errors import LockedError, SetupError
from tocsin.magic import SQLITE, engine_of, instead
from tocsin.sources.sqlite.files import beside, journal_mark, open_file
from tocsin.sources.sqlite.locks import RESERVED, SHARED, holder

T = TypeVar("T")

NEVER_STILL = "is being written all the time, or holds a journal that its application must roll back first"

_PAGE_SIZES = tuple(2**n for n in range(9, 17))
_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER, _FRAME_HEADER = 32, 24
# Layout of the -shm file: two copies of a 48-byte header, then checkpoint state; page numbers of the frames
# follow in blocks of 32 KiB, 4,096 each, the first block 34 fewer because the headers stand there.
_SHM_BLOCK, _SHM_FRAMES, _SHM_FIRST = 32768, 4096, 4062

# The kernel stamps files by its clock tick, 10 ms at the longest: two writes within one leave the same time.
_TICK_NS = 10_000_000


class Moved(Exception):
    """The files changed while they were read."""


class _Mark(NamedTuple):
    """What must be the same before and after reading."""

    main: tuple[int, ...]
    wal: tuple[int, ...]
    checkpoint: tuple[int, ...]


class Pages(Protocol):
    """What a connection reads: a picture, or what was made of one."""

    is_over: Callable[[], bool]
    """Asked with each page that a connection reads: whether it shall read no more."""

    def read(self, amount: int, offset: int) -> bytes: ...
    def size(self) -> int: ...
    def verify(self) -> None: ...


class Picture:
    """One consistent view of a database's pages. Use it, then `verify()`, then `close()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_over: Callable[[], bool] = lambda: False
        self._real = Path(os.path.realpath(path))  # SQLite names the other files after the one that a link leads to
        self._fds: list[int] = []
        try:
            self.main = self._open(path, required=True)
            self.header = os.pread(self.main, 100, 0)
            if self.header:
                _check_format(path, self.header)
            self.page_size = _page_size(self.header)
            if self.page_size not in _PAGE_SIZES:
                raise SetupError(f"{path} is damaged: its header speaks of pages of {self.page_size} bytes")
            self.wal_mode = self.header[18:20] == b"\x02\x02"
            self.wal = self._open(beside(self._real, "-wal")) if self.wal_mode else -1
            self.wal_size = os.fstat(self.wal).st_size if self.wal >= 0 else 0
            self.shm = self._open(beside(self._real, "-shm")) if self.wal >= 0 else -1
            self.last_frame, self.indexed = 0, False
            self._mark = self._marks()
            self.frames, self.pages = self._frame_map() if self.wal_size > _WAL_HEADER else ({}, 0)
        except BaseException:
            self.close()
            raise

    def _open(self, path: Path, *, required: bool = False) -> int:
        fd = open_file(path, required=required)
        if fd >= 0:
            self._fds.append(fd)
        return fd

    def _marks(self) -> _Mark:
        if not self.wal_mode and self._being_rewritten():
            raise Moved
        main = os.fstat(self.main)
        # In a rollback-journal database every commit changes bytes 24 to 27; the times catch what it does not.
        moved = () if self.wal_mode else (main.st_mtime_ns, main.st_size, *os.pread(self.main, 4, 24))
        return _Mark((*_still(self.path, self.main), *moved), self._wal_mark(), self._checkpoint_mark())

    def _wal_mark(self) -> tuple[int, ...]:
        # A log that was begun anew has other salts; frames appended to it do not matter to us.
        if not self.wal_mode:
            return ()
        salts = os.pread(self.wal, 8, 16) if self.wal >= 0 else b""
        return (*_still(beside(self._real, "-wal"), self.wal), *salts)

    def _being_rewritten(self) -> bool:
        """Tell whether a transaction is writing to the main file, or one did when its process died.

        A journal alone is no sign: it stands there from a transaction's first change, long before the file is touched.
        """
        if journal_mark(self._real) is None:
            return False
        return holder(self.main, SHARED) is not None or holder(self.main, RESERVED) is None

    def _checkpoint_mark(self) -> tuple[int, ...]:
        """Return what moves before a checkpoint writes to the main file.

        Who begins the log anew sets the attempt back to 0, after the salts: read in the other order, the two
        cannot both look as before. Without an index file there is the time alone, which says little while it is fresh.
        """
        if not self.wal_mode:
            return ()
        if self.shm >= 0:
            attempted = os.pread(self.shm, 4, 128)
            return (*_still(beside(self._real, "-shm"), self.shm), *attempted, *os.pread(self.shm, 8, 32))
        main = os.fstat(self.main)
        if 0 <= time.time_ns() - main.st_mtime_ns < _TICK_NS:
            raise Moved
        return (main.st_mtime_ns, main.st_size)

    def _frame_map(self) -> tuple[dict[int, int], int]:
        """Return page number -> offset of its newest committed content in the log, and the size in pages."""
        if self.shm >= 0 and (found := self._from_index()) is not None:
            return found
        return self._from_log()

    def _from_index(self) -> tuple[dict[int, int], int] | None:
        """Read the map from the -shm file, None where it does not describe this log.

        The two header copies differ while a writer updates them.
        """
        first, second = os.pread(self.shm, 48, 0), os.pread(self.shm, 48, 48)
        if first != second or len(first) < 48:
            raise Moved
        last, pages = struct.unpack("=II", first[16:24])
        if not first[12] or first[32:40] != os.pread(self.wal, 8, 16):
            return None  # not initialised, or left by a log before this one
        self.last_frame, self.indexed = last, True
        numbers = array("I")
        block = 0
        while len(numbers) < last:
            start = 136 if block == 0 else 0
            room = _SHM_FIRST if block == 0 else _SHM_FRAMES
            want = min(room, last - len(numbers))
            data = os.pread(self.shm, want * 4, block * _SHM_BLOCK + start)
            if len(data) < want * 4:
                raise Moved
            numbers.frombytes(data)
            block += 1
        step = self.page_size + _FRAME_HEADER
        return {page: _WAL_HEADER + i * step + _FRAME_HEADER for i, page in enumerate(numbers)}, pages

    def _from_log(self) -> tuple[dict[int, int], int]:
        """Build the map as SQLite's recovery does: frames count up to the last commit whose checksums hold."""
        header = os.pread(self.wal, _WAL_HEADER, 0)
        if len(header) < _WAL_HEADER:
            raise Moved
        magic, _, size, _ = struct.unpack(">IIII", header[:16])
        if magic not in _WAL_MAGIC or size != self.page_size:
            return {}, 0
        order = ">" if magic & 1 else "<"
        sums = _checksum(order, header[:24], (0, 0))
        if sums != struct.unpack(">II", header[24:32]):
            return {}, 0
        found: dict[int, int] = {}
        pending: dict[int, int] = {}
        pages, offset, step = 0, _WAL_HEADER, size + _FRAME_HEADER
        while len(frame := os.pread(self.wal, step, offset)) == step:
            page, commit = struct.unpack(">II", frame[:8])
            sums = _checksum(order, frame[24:], _checksum(order, frame[:8], sums))
            if frame[8:16] != header[16:24] or sums != struct.unpack(">II", frame[16:24]):
                break
            pending[page] = offset + _FRAME_HEADER
            if commit:
                found.update(pending)
                pending.clear()
                pages = commit
                self.last_frame = (offset - _WAL_HEADER) // step + 1
            offset += step
        return found, pages

    def size(self) -> int:
        """Bytes of the picture: the main file's as it will be after a checkpoint."""
        return self.pages * self.page_size if self.frames else self.main_size()

    def main_size(self) -> int:
        return os.fstat(self.main).st_size

    def inode(self) -> int:
        return os.fstat(self.main).st_ino

    def read(self, amount: int, offset: int) -> bytes:
        """Return bytes of the picture. The header says `rollback journal`, so that SQLite looks for no log."""
        page, within = divmod(offset, self.page_size)
        at = self.frames.get(page + 1)
        data = os.pread(self.wal, amount, at + within) if at is not None else os.pread(self.main, amount, offset)
        if offset <= 18 and offset + len(data) >= 20:
            data = data[: 18 - offset] + b"\x01\x01" + data[20 - offset :]
        return data

    def verify(self) -> None:
        """Raise Moved unless the files stood still, as far as the picture depends on them."""
        if self._marks() != self._mark:
            raise Moved

    def close(self) -> None:
        while self._fds:
            os.close(self._fds.pop())


def _still(path: Path, fd: int) -> tuple[int, ...]:
    """Return the identity of an open file, () for one that does not exist. Raises Moved when the path leads elsewhere now."""
    try:
        found = path.stat()
    except OSError:
        if fd < 0:
            return ()
        raise Moved from None
    if fd < 0 or not os.path.samestat(found, os.fstat(fd)):
        raise Moved
    return (found.st_dev, found.st_ino)


def _check_format(path: Path, header: bytes) -> None:
    """Raise SetupError for what SQLite would not read: it looks at a version of the file, and one of its schema."""
    if engine_of(header) != SQLITE:
        raise SetupError(f"{path} is not a SQLite database{instead(header)}")
    version, schema_format = header[19:20], header[44:48]
    if version > b"\2" or schema_format > b"\0\0\0\4":
        found = f"file format {version[0]} and schema format {int.from_bytes(schema_format, 'big')}"
        raise SetupError(f"{path} has {found}, which this SQLite does not read (2 and 4): it is damaged, or install a newer package apsw")


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big") if len(header) >= 18 else 4096
    return 65536 if size == 1 else size


def _checksum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    s0, s1 = start
    words = array("I", data)
    if (order == ">") != (sys.byteorder == "big"):
        words.byteswap()
    pairs = iter(words)
    for a, b in zip(pairs, pairs, strict=True):
        s0 = (s0 + a + s1) & 0xFFFFFFFF
        s1 = (s1 + b + s0) & 0xFFFFFFFF
    return s0, s1


def read_picture(path: Path, read: Callable[[Picture], T], deadline: float, tries: int = 200) -> T:
    """Return what `read` makes of a picture that stood still meanwhile; taken again until one did.

    Raises LockedError when none did within so many tries or by the deadline (monotonic seconds).
    """
    for _ in range(tries):
        try:
            with closing(Picture(path)) as picture:
                try:
                    found = read(picture)
                finally:
                    picture.verify()  # if the files moved, an error in reading is no news
                return found
        except Moved:
            if time.monotonic() > deadline:
                break
            time.sleep(0.001)
    raise LockedError(f"{path} {NEVER_STILL}")


def open_picture(picture: Pages) -> Any:
    """Return an apsw connection that reads the picture and nothing else; close it before the picture."""
    import apsw

    class File:
        """The one file that SQLite sees. It asks for no locks, because the file is said to be immutable."""

        def xRead(self, amount: int, offset: int) -> bytes:
            if picture.is_over():
                connection.interrupt()
            return picture.read(amount, offset)

        def xFileSize(self) -> int:
            return picture.size()

        def xSectorSize(self) -> int:
            return 4096

        def xDeviceCharacteristics(self) -> int:
            return int(apsw.SQLITE_IOCAP_IMMUTABLE)

        def xFileControl(self, _op: int, _pointer: int) -> bool:
            return False

        def xClose(self) -> None: ...
        def xLock(self, _level: int) -> None: ...
        def xUnlock(self, _level: int) -> None: ...
        def xCheckReservedLock(self) -> bool:
            return False

    name = f"tocsin-{id(picture)}"

    class Layer(apsw.VFS):
        def __init__(self) -> None:
            super().__init__(name, "")

        def xOpen(self, _name: object, flags: list[int]) -> Any:
            flags[1] = flags[0] | apsw.SQLITE_OPEN_READONLY
            return File()

        def xFullPathname(self, given: str) -> str:
            return given

        def xAccess(self, _path: str, _flags: int) -> bool:
            return False

    layer = Layer()
    connection = apsw.Connection("file:picture?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, vfs=name)
    layer.unregister()
    return connection
