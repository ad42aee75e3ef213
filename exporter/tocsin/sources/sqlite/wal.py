"""How far the write-ahead log has been applied to the database, and what keeps it from going on."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from tocsin.sources.sqlite.locks import READ_MARKS, holder, read_mark
from tocsin.sources.sqlite.overlay import Picture

# In the -shm file, behind the two headers: frames applied so far, then a mark for each of five groups of readers.
_PROGRESS = struct.Struct("=I5I")
_PROGRESS_AT = 96


class Progress(NamedTuple):
    """Frames of the log. None stands for what is known only to the process that has the index in its own memory."""

    frames: int
    applied: int | None
    blocked: int | None
    """Frames that no checkpoint can apply while the present readers last: they came after what the oldest of them reads."""
    salt: int | None
    """One more each time that the log is begun anew."""


def progress(picture: Picture) -> Progress:
    """Return the state of a picture's log; a log without committed frames has none of anything."""
    header = os.pread(picture.wal, 20, 0) if picture.wal >= 0 else b""
    salt = int.from_bytes(header[16:20], "big") if len(header) == 20 else None
    frames = picture.last_frame
    if not frames:
        return Progress(0, 0, 0, salt)
    found = os.pread(picture.shm, _PROGRESS.size, _PROGRESS_AT) if picture.shm >= 0 else b""
    if len(found) < _PROGRESS.size or not picture.indexed:
        return Progress(frames, None, None, salt)
    applied, *marks = _PROGRESS.unpack(found)
    applied = min(applied, frames)
    held = [number for number in range(READ_MARKS) if holder(picture.shm, read_mark(number), readers=True) is not None]
    # Readers of the first group do without the log: while there are any, nothing is applied at all.
    oldest = min((applied if number == 0 else marks[number] for number in held), default=frames)
    return Progress(frames, applied, max(0, frames - max(oldest, applied)), salt)
