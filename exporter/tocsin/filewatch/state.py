"""What a file is, as plain values: all that is compared, and nothing that changes by being looked at."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tocsin.errors import Reason

FILE, DIRECTORY, LINK = "file", "directory", "link"
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: LINK,
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block_device",
    stat.S_IFCHR: "character_device",
}
KINDS = tuple(_KINDS.values())

DATABASE, LARGE, PENDING, DENIED, GROWING, NOT_WANTED = "database", "large", "pending", "permission", "growing", "not wanted"
UNFOLLOWED, NOWHERE = "not followed", "no file"
"""Why a file's content has no digest: a database that is in use, larger than is read, not read yet, not permitted, a log that is
always appended to, not asked for, behind a link that is left alone or leads to no file."""


class FileState(NamedTuple):
    """One name in a directory. The link itself where it is one; nothing is followed."""

    kind: str
    mode: int
    """Permission bits, with those of set-user-id, set-group-id and sticky."""
    uid: int
    gid: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    """0 where the file system makes numbers up, and two looks may differ."""
    links: int
    target: str | None = None
    """Where a link leads, as it is written in it."""
    digest: str | None = None
    """SHA-256 of the content; of a link that leads to no file now, of what it led to last."""
    undigested: str | None = None
    """Why there is no digest of a file; see above."""
    rights: str | None = None
    """What extended attributes grant beyond the permission bits, as `capabilities=... acl=...`; None where that is not known."""
    head: str | None = None
    """How a log or a copy of one begins; see `heads`. None where nobody has looked."""

    @property
    def leads_to_file(self) -> bool:
        """Whether it is a link to a file: then size, times, digest and why there is none are those of the file."""
        return self.kind == LINK and self.undigested not in (UNFOLLOWED, NOWHERE) and bool(self.digest or self.undigested)

    @property
    def moved(self) -> tuple[int, ...]:
        """What moves when the content does; while it stays the digest is not taken again."""
        return (self.inode, self.size, self.mtime_ns, self.ctime_ns)


class Unseen(NamedTuple):
    """What cannot be looked at: that is not the same as gone."""

    reason: Reason
    words: str


Seen = FileState | Unseen | None
"""What a look at a name finds; None: there is none."""


def of_stat(found: os.stat_result, target: str | None = None, *, stable_inodes: bool = True) -> FileState:
    """Return the state of what was looked at by lstat(2), without a digest."""
    mode = found.st_mode
    kind = _KINDS.get(mode & 0o170000, "unknown")
    directory = kind == DIRECTORY
    return FileState(
        kind,
        mode & 0o7777,
        found.st_uid,
        found.st_gid,
        # A directory's size, times and links tell of what is in it, which has states of its own.
        0 if directory else found.st_size,
        0 if directory else found.st_mtime_ns,
        0 if directory else found.st_ctime_ns,
        found.st_ino if stable_inodes else 0,
        0 if directory else found.st_nlink,
        target,
        None,
        PENDING if kind == FILE else None,
    )


def look(path: str, *, stable_inodes: bool = True) -> Seen:
    """Look at one name. Never raises, and never opens the file."""
    try:
        found = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(found.st_mode) else None  # noqa: PTH115 -- keeps the text as it is
        state = of_stat(found, target, stable_inodes=stable_inodes)
        return state._replace(rights=rights_of(path)) if state.kind == FILE else state
    except OSError as error:
        return None if error.errno in (errno.ENOENT, errno.ENOTDIR) else unseen(path, error)
    except ValueError:  # a name that no system call takes
        return None


_RIGHTS = {"security.capability": "capabilities", "system.posix_acl_access": "acl"}


def rights_of(path: str) -> str | None:
    """Return what a file's extended attributes grant, `""` for nothing; None where that cannot be known.

    An access list is told by a digest: it names users by number, and is compared only. Capabilities are in capabilities(7).
    """
    try:
        names = [name for name in os.listxattr(path, follow_symlinks=False) if name in _RIGHTS]
        found = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError as error:
        return "" if error.errno == errno.ENOTSUP else None
    return " ".join(f"{_RIGHTS[name]}={_short(name, found[name])}" for name in sorted(found))


def _short(name: str, value: bytes) -> str:
    if name != "security.capability":
        return hashlib.sha256(value).hexdigest()[:16]
    # The low half of what is permitted stands after the version, the high half after that of what is inherited.
    low, high = (int.from_bytes(value[at : at + 4], "little") for at in (4, 12))
    return f"{high << 32 | low:#x}"


def unseen(path: str, error: OSError) -> Unseen:
    """Say why something could not be looked at, and what to do."""
    name = shown(path)
    if isinstance(error, PermissionError):
        return Unseen("permission", f"{name} may not be read by this user; give tocsin's user search permission on its directory")
    if error.errno in (errno.ESTALE, errno.ENOTCONN, errno.EIO, errno.EHOSTDOWN, errno.ETIMEDOUT):
        return Unseen("connect", f"{name} cannot be read: {error.strerror}; its disk or its server is in trouble")
    return Unseen("config", f"{name} cannot be read: {error.strerror}")


def shown(path: str) -> str:
    """Return a path as people may see it: what is not UTF-8 and what does not print is written as an escape."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def owner(uid: int) -> str:
    """Return a user's name, the number where the system's own file has none."""
    return _names("/etc/passwd", _mark("/etc/passwd")).get(uid, str(uid))


def group(gid: int) -> str:
    return _names("/etc/group", _mark("/etc/group")).get(gid, str(gid))


def _mark(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- often
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=4)
def _names(path: str, mark: object) -> Mapping[int, str]:  # noqa: ARG001 -- another mark, another answer
    """Return names by number. The C library would ask a directory server too, which may take its time or hang."""
    found: dict[int, str] = {}
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError:
        return found
    for line in text.splitlines():
        words = line.split(":")
        if len(words) > 2 and words[2].isdecimal():
            found.setdefault(int(words[2]), words[0])
    return found


def permissions(mode: int) -> str:
    """Return permission bits as people write them."""
    return f"{mode:04o}"


def dump(states: Mapping[str, FileState]) -> bytes:
    """Return states by name as bytes, the same for the same states."""
    rows = [(name, *state) for name, state in sorted(states.items())]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def load(data: bytes | None) -> dict[str, FileState]:
    """Return what `dump` made bytes of; nothing for None. Raises ValueError for what another version of ours wrote."""
    if data is None:
        return {}
    try:
        rows: list[Any] = json.loads(zlib.decompress(data))
        return {row[0]: FileState(*row[1:]) for row in rows}
    except (zlib.error, TypeError, IndexError) as error:
        raise ValueError("not a memory of files") from error
