"""Which file system a path lies on, and whether that can be trusted to answer, to tell of changes and to keep its numbers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from tocsin.filewatch.beside import BESIDE, Hung
from tocsin.mounts import Mount, parse
from tocsin.watch import is_remote_type

T = TypeVar("T")

_NUMBERS_MADE_UP = ("fuse", "9p", "cifs", "smb", "vboxsf", "prl_fs", "vmhgfs", "ncpfs")
_OF_THE_KERNEL = frozenset(
    (
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl",
        "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
    )
)  # fmt: skip
"""What is no file system of files: looking through it finds no end, or does something."""


class Place(NamedTuple):
    """What is mounted where a path lies."""

    point: str
    fs_type: str
    number: int
    """Of the mount: what is mounted anew at the same place has another."""

    @property
    def may_hang(self) -> bool:
        """Whether it is served by another machine or a program: then it is asked from the side, and it polls."""
        return is_remote_type(self.fs_type)

    @property
    def stable_inodes(self) -> bool:
        return not self.fs_type.startswith(_NUMBERS_MADE_UP)

    @property
    def of_the_kernel(self) -> bool:
        return self.fs_type in _OF_THE_KERNEL


_ANYWHERE = Place("/", "", 0)


class Places:
    """What is mounted now; reading that asks no file system."""

    def __init__(self, mounts: list[Mount]) -> None:
        # What is mounted later over the same place hides what was there.
        self._by_point = {mount.point: Place(mount.point, mount.fs_type, mount.id) for mount in mounts}
        self._risky: dict[str, dict[str, Place]] = {}
        for point, place in self._by_point.items():
            if place.may_hang and point != "/":
                above, _, name = point.rpartition("/")
                self._risky.setdefault(above or "/", {})[name] = place

    def of(self, path: str) -> Place:
        """Return where a path lies, by its text: no link is followed."""
        while True:
            found = self._by_point.get(path)
            if found is not None:
                return found
            if path in ("/", ""):
                return _ANYWHERE
            path = path.rpartition("/")[0] or "/"

    def is_point(self, path: str) -> bool:
        return path in self._by_point

    def that_may_hang_in(self, directory: str) -> dict[str, Place]:
        """Return by name what is mounted directly in a directory and may hang."""
        return self._risky.get(directory, {})

    def differ_at(self, other: Places) -> set[str]:
        """Return where something is mounted in one of the two and not, or something else, in the other."""
        return {point for point, _ in self._by_point.items() ^ other._by_point.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and self._by_point == other._by_point

    __hash__ = None  # type: ignore[assignment]


def read_places() -> Places:
    try:
        text = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        text = ""
    return Places(list(parse(text)))


def ask(place: Place, work: Callable[[], T], patience: float) -> T:
    """Do something that looks at files there; from the side where they may hang. Raises Hung, and what `work` raises."""
    return BESIDE.do(place.point, work, patience) if place.may_hang else work()


Way = tuple[str, str]
"""A directory and a name in it on which it depends where a path leads."""


def resolved(path: str, places: Places, patience: float, ways: list[Way] | None = None) -> str:
    """Return the path with the links among its directories followed; its last name is left as it is. Raises Hung and OSError.

    Done step by step, so that a link into a file system that hangs is seen before it is followed. Each link that is followed is
    added to `ways`.
    """
    path = os.path.abspath(path)  # noqa: PTH100 -- Path would follow links
    done, rest = _walk("/", [name for name in path.split("/") if name], 1, places, patience, ways)
    return f"{done.rstrip('/')}/{rest[0]}" if rest else done


def end_of(directory: str, target: str, places: Places, patience: float, ways: list[Way]) -> str:
    """Return where a link leads that is in a directory, of which no part is a link, to what is no link. Raises Hung and OSError."""
    return _walk(directory, target.split("/"), 0, places, patience, ways, target.startswith("/"))[0]


def _walk(
    done: str, rest: list[str], left: int, places: Places, patience: float, ways: list[Way] | None, absolute: bool = False
) -> tuple[str, list[str]]:
    """Follow names from a directory until so many are left; return where that leads, and those."""
    limit, followed = time.monotonic() + patience, 0
    done = "/" if absolute else done
    rest = [name for name in rest if name not in ("", ".")]
    while len(rest) > left:
        name = rest.pop(0)
        if name == "..":
            done = os.path.dirname(done)  # noqa: PTH120
            continue
        step = f"{done.rstrip('/')}/{name}"
        target = ask(places.of(done), lambda step=step: _link(step), max(0.1, limit - time.monotonic()))  # type: ignore[misc]
        if target is None:
            done = step
            continue
        if ways is not None:
            ways.append((done, name))
        followed += 1
        if followed > 40:
            raise OSError(40, os.strerror(40))
        if target.startswith("/"):
            done = "/"
        rest = [part for part in target.split("/") if part not in ("", ".")] + rest
    return done, rest


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)  # noqa: PTH115 -- the text as it is
    except OSError:
        return None


__all__ = ["Hung", "Place", "Places", "Way", "ask", "end_of", "read_places", "resolved"]
