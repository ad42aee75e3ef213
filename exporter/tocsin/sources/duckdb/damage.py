"""Whether a database's file is damaged, or a block of it was read while it was being written.

DuckDB never writes over what its headers lead to, with one exception: the blocks of its metadata, of which a checkpoint
fills the parts that are free and writes the whole of it in its old place, before the header. A block read in that moment
has the new checksum and some pages that are still old; the header follows when all is on the disk, which may well be
after the reading has come to its end. So the headers stood still, and yet a checksum does not hold.

What tells the two apart is that damage stays as it is. The library says of a bad block where it lies, which checksum it
has and which one its bytes should have: the very same words, again and again, are the very same bytes.
"""

from __future__ import annotations

import time

from tocsin.sources.duckdb.picture import Moved, Picture

_STILL = 2.5
"""For so many seconds bad bytes must stay as they are, in a file that may be written: a writer may have to wait in the midst of a block."""

_PAUSE, _LONGEST_PAUSE = 0.02, 0.64
_DAMAGED = ("Corrupt", "Failed to read", "not a valid")


class Torn(Moved):
    """What was read looks damaged; it has to be seen again."""


class Doubt:
    """What the library had to complain of while one request is answered."""

    def __init__(self, seconds: float) -> None:
        self._still = min(_STILL, seconds / 2)
        self._said = ""
        self._since = self._began = 0.0
        self._written = True
        self._looks = 0

    def look(self, picture: Picture) -> None:
        """Note who has the file open; to be called before its blocks are read.

        Asked afterwards, whoever had written to what was read might just have closed it. If nobody has it open now, all
        that was being written when the last look was taken is whole, or will stay as it is.
        """
        lock = picture.lock()
        self._written = lock is None or lock.state == "write_locked"
        self._began = time.monotonic()

    def settle(self, error: Exception) -> None:
        """Return if the file is as the library says; raises Torn as long as it may be a matter of the moment."""
        self._looks += 1
        said = first_line(error)
        if said != self._said:
            self._said, self._since = said, time.monotonic()
            raise Torn from error
        if self._written and self._began - self._since < self._still:
            raise Torn from error

    def pause(self) -> float:
        """Return for how long to wait before the next look."""
        return min(_PAUSE * 2.0 ** (self._looks - 1), _LONGEST_PAUSE)


def is_damage(error: Exception) -> bool:
    return any(words in str(error) for words in _DAMAGED)


def first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:500]
