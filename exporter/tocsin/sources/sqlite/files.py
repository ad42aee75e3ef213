"""The files of a database: how they are opened, so that nothing that lies in their place does harm, and where they are."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tocsin.errors import ConnectError, PrivilegeError, SetupError

_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def beside(path: Path, suffix: str) -> Path:
    """Return where SQLite keeps another file of the database: beside the one that a link leads to."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + suffix)


def of(path: Path) -> tuple[Path, ...]:
    """Return every file whose change may be a change of the database.

    Not the -shm file: it is written through memory, of which the kernel tells nothing.
    """
    return (path, *(beside(path, suffix) for suffix in ("", "-wal", "-journal")))


def open_file(path: Path, *, required: bool = False) -> int:
    """Return a descriptor to read from, -1 for a file that need not be there and is not. Raises CollectError."""
    try:
        fd = os.open(path, _FLAGS)
    except FileNotFoundError:
        if required:
            raise ConnectError(f"{path} does not exist; check the path, and that the application has created it") from None
        return -1
    except PermissionError:
        raise PrivilegeError(f"{path} may not be read by this user; give tocsin's user read permission on it") from None
    except OSError as error:
        raise ConnectError(f"{path} cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise SetupError(f"{path} is not a file; the path of a target is that of the database file itself")
    return fd


def journal_mark(path: Path) -> tuple[int, ...] | None:
    """Return what tells one rollback journal from another, None without one that has content.

    One that is kept for later use has its header zeroed.
    """
    try:
        fd = os.open(beside(path, "-journal"), _FLAGS)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or os.read(fd, 8) != _JOURNAL_MAGIC:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)
    finally:
        os.close(fd)
