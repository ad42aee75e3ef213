"""What a write-ahead log says without the library: whether a commit in it touched more than rows.

A log begins with its version. Entries follow: 8 bytes for the length, 8 for a checksum, and a record that begins with its type; those of
one commit end with a flush. So an application that writes rows all day does not cost a look at the catalog for each of them, and
what it does to the catalog is seen at once. Whatever is not as expected here counts as if it had changed the schema.

Types: https://github.com/duckdb/duckdb/blob/main/src/include/duckdb/common/enums/wal_type.hpp
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from tocsin.sources.duckdb.picture import CHECKPOINT_WAL, WAL, Moved, Picture

_HEAD = 256
_FRAME = struct.Struct("<Q8xHB")
"""Length of the record, its checksum, the number of its first field and that field's value, which is the type."""
_LENGTH_AND_CHECKSUM = 16
_TYPE, _END = 100, 0xFFFF
_VERSION_ENTRY, _READ_VERSION = 98, 2
_FLUSH = 100
_OF_ROWS = frozenset((10, 25, 26, 27, 28, 29))
"""A sequence's value, the table that is meant next, rows inserted, deleted, updated, written as a group."""

_CHUNK = 2**20
_MOST_BYTES = 64 * 2**20
"""Of a long log so much is read at a time; until its end is reached all that is written to it counts."""

_Mark = tuple[int, bytes]
"""Where a record begins, with its length and checksum."""

Read = Callable[[int, int], bytes]
"""Gives an amount of bytes from an offset on, fewer at the end."""


class Unexpected(Exception):
    """The log is not written as it is known here."""


@dataclass(slots=True)
class Log:
    """How far one log has been read. It grows, but for a commit that failed and is cut off, or another log in its place."""

    of: str = ""
    at: int = 0
    """Behind the last commit."""
    marks: tuple[_Mark, ...] = ()
    """Of the last commit and of the last one that touched more than rows, a record: while they stand there it is the same log."""
    touched: str = ""
    """A digest of the checksums of all that touched more than rows."""
    is_read: bool = True

    def gate(self, picture: Picture) -> str:
        """Return what moves with every checkpoint and with every commit that may have changed the schema. Raises Moved."""
        size = picture.sizes.get(WAL, 0)
        of = f"{picture.since_checkpoint()}:{picture.inode(WAL)}"
        if of != self.of or size < self.at or any(picture.read(WAL, len(head), at) != head for at, head in self.marks):
            self.of, self.at, self.marks, self.touched, self.is_read = of, 0, (), "", True
        end = min(size, self.at + _MOST_BYTES)
        if end and self.is_read:
            self._read(lambda amount, offset: picture.read(WAL, amount, offset), end)
        if not self.is_read or end < size or CHECKPOINT_WAL in picture.sizes:
            return picture.gate()
        return f"{of}.{self.touched}" if self.touched else picture.since_checkpoint()

    def _read(self, read: Read, end: int) -> None:
        try:
            at = self.at or _end_of_head(read(_HEAD, 0))
            if at:
                self._read_entries(read, at, end)
        except Unexpected:
            self.is_read = False

    def _read_entries(self, read: Read, at: int, end: int) -> None:
        window, begin, touched = b"", at, self.touched
        last, touching = self.marks[:1], self.marks[1:]
        while at + _FRAME.size <= end:
            if at + _FRAME.size > begin + len(window):
                window, begin = read(_CHUNK, at), at
                if len(window) < _FRAME.size:
                    raise Moved
            length, field, kind = _FRAME.unpack_from(window, at - begin)
            following = at + _LENGTH_AND_CHECKSUM + length
            if field != _TYPE or not 0 < length < 2**40:
                raise Unexpected
            if following > end:
                return  # it is being written
            if kind == _FLUSH:
                self.at, self.marks, self.touched = following, last + touching, touched
            else:
                mark = at, window[at - begin : at - begin + _LENGTH_AND_CHECKSUM]
                last = (mark,)
                if kind not in _OF_ROWS:
                    touching = last
                    touched = sha256(touched.encode() + mark[1]).hexdigest()[:16]
            at = following


def _end_of_head(head: bytes) -> int:
    """Return where the first entry begins, behind the log's version and what database it belongs to; 0 while that is being written."""
    try:
        if struct.unpack_from("<HBHB", head) != (_TYPE, _VERSION_ENTRY, _TYPE + 1, _READ_VERSION):
            raise Unexpected
        at = 6
        while (field := struct.unpack_from("<H", head, at)[0]) != _END:
            at += 2
            numbers = 1
            if field == _TYPE + 2:
                numbers, at = head[at], at + 1
            elif field != _TYPE + 3:
                raise Unexpected
            for _ in range(numbers):
                while head[at] & 0x80:
                    at += 1
                at += 1
        return at + 2
    except (struct.error, IndexError):
        if len(head) == _HEAD:
            raise Unexpected from None
        return 0
