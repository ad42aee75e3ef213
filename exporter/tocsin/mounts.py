"""What is mounted, as the kernel's mountinfo tells: text in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_ESCAPE = re.compile(rb"\\([0-7]{3})")
_READ_ONLY = {"ro", "emergency_ro"}


class Mount(NamedTuple):
    id: int
    major: str
    minor: str
    point: str
    """Where it is mounted, as the reader of mountinfo sees it."""
    fs_type: str
    device: str
    read_only: bool


def parse(text: str) -> Iterator[Mount]:
    """Yield the mounts of a mountinfo file: `id parent major:minor root point options [tags...] - type device super-options`.

    Blanks within a field are octal escapes. A mount is read-only if it or the whole file system is: an ext4 that has found
    an error is remounted by the file system's options alone. https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    for line in text.splitlines():
        words = line.split(" ")
        try:
            dash = words.index("-", 6)
            id, numbers, point, options = words[0], words[2], words[4], words[5]
            fs_type, device, of_all = words[dash + 1], words[dash + 2], words[dash + 3]
        except (ValueError, IndexError):
            continue
        major, _, minor = numbers.partition(":")
        read_only = bool(_READ_ONLY & {*options.split(","), *of_all.split(",")})
        yield Mount(int(id), major, minor, unescape(point), unescape(fs_type), unescape(device), read_only)


def unescape(text: str) -> str:
    """Return a field of mountinfo as it was: octal escapes undone, bytes that are no UTF-8 as Python has them in file names."""
    if "\\" not in text:
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(lambda m: bytes((int(m[1], 8) & 255,)), raw).decode("utf-8", "surrogateescape")


def below(root: str, point: str) -> str:
    """Return the mount point as it is called below that root: the point itself where it does not lie there."""
    if root == "/" or not (point == root or point.startswith(root + "/")):
        return point
    return point[len(root) :] or "/"
