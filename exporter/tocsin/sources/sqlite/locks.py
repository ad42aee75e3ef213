"""Who holds SQLite's locks on a database, asked of the kernel: asking takes no lock and shows none to the application.

The places are those of https://www.sqlite.org/lockingv3.html and https://www.sqlite.org/walformat.html, section 2.3.
The question is asked at the file itself, not of /proc/locks, which leaves out holders in other containers.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from typing import Literal, NamedTuple

# Linux' code for asking about open-file-description locks is missing in older Pythons.
_F_OFD_GETLK = 36


class Place(NamedTuple):
    """Bytes of a file that stand for a lock; they need not exist."""

    start: int
    length: int


PENDING, RESERVED, SHARED = Place(0x40000000, 1), Place(0x40000001, 1), Place(0x40000002, 510)
"""In the main file. A writer holds RESERVED from its first change, and SHARED exclusively while it writes to the file."""
WAL_WRITE, WAL_CHECKPOINT, WAL_RECOVER = Place(120, 1), Place(121, 1), Place(122, 1)
"""In the -shm file; the five that follow are the readers'."""
READ_MARKS = 5

State = Literal["none", "shared", "reserved", "pending", "exclusive"]
_WRITERS: tuple[tuple[State, Place], ...] = (("exclusive", SHARED), ("pending", PENDING), ("reserved", RESERVED))
STATES: tuple[State, ...] = ("none", "shared", "reserved", "pending", "exclusive")


def read_mark(number: int) -> Place:
    return Place(123 + number, 1)


def holder(fd: int, place: Place, *, readers: bool = False) -> int | None:
    """Return the process that holds a write lock there, with `readers` any lock; 0 for one that cannot be seen, None without."""
    query = struct.pack("hhqqi4x", fcntl.F_WRLCK if readers else fcntl.F_RDLCK, os.SEEK_SET, *place, 0)
    kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(fd, _F_OFD_GETLK, query))
    return None if kind == fcntl.F_UNLCK else max(0, pid)


@dataclass(frozen=True, slots=True)
class Locks:
    """What is held at one moment. `pid` holds the strongest lock where that is a writer's, 0 where it cannot be seen."""

    state: State
    pid: int | None
    checkpointing: bool = False
    recovering: bool = False


def locks(main: int, shm: int) -> Locks:
    """Return the strongest lock on an open database; with a write-ahead log its writer counts as `reserved`: readers go on beside it."""
    for state, place in _WRITERS:
        pid = holder(main, place)
        if pid is not None:
            return Locks(state, pid)
    if shm >= 0:
        checkpointing, recovering = (holder(shm, place) is not None for place in (WAL_CHECKPOINT, WAL_RECOVER))
        pid = holder(shm, WAL_WRITE)
        if pid is not None:
            return Locks("reserved", pid, checkpointing, recovering)
    else:
        checkpointing = recovering = False
    return Locks("none" if holder(main, SHARED, readers=True) is None else "shared", None, checkpointing, recovering)
