"""What else is listened to: directories through which links lead, and those above where configured paths begin."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate, islice

from tocsin.filewatch.places import Places, Way
from tocsin.watch_tree import TreeWatch

_NAMES, _SELF = "\0names in ", "\0itself "
"""Before a directory in the keys of its watches, which no path begins with: what happens to names in it, or to itself alone."""
ALL = ""
"""In place of a name in a directory: the directory is to be looked at as a whole."""
MOST_LINKS, MOST_DIRECTORIES = 2_000, 200
_MOST_STEPS = 40


class Ways:
    """By which directories and names in them it is decided what a watched directory, or a link in it, leads to.

    What happens there is told as if it had happened to the link. Directories above are not listened to for what happens in them,
    which may be very much, but for being moved away; the one in which a missing name would come is, while it is missing.
    """

    def __init__(self, tree: TreeWatch) -> None:
        self._tree = tree
        self._led: dict[str, dict[str, set[Way]]] = {}
        self._above: dict[str, set[str]] = {}
        self._users: dict[str, dict[str, dict[str, set[str]]]] = {}
        """By directory, name in it and watched directory: the names in that."""
        self._links = 0

    def room(self, folder: str, links: Collection[str]) -> set[str]:
        """Return which of a directory's links can be followed: those that are, and others as far as there is room."""
        known = self._led.get(folder, {})
        followed = {name for name in links if name in known}
        return followed | set(islice((name for name in links if name not in known), max(0, MOST_LINKS - self._links)))

    def lead(self, folder: str, found: Mapping[str, set[Way]], looked: Collection[str] | None, places: Places) -> bool:
        """Take in by which ways the names lead that were looked at, None for all; False where the kernel tells not of all of that."""
        known = self._led.setdefault(folder, {})
        gone = [name for name in known if name != ALL and (looked is None or name in looked) and name not in found]
        for name in gone:
            self._set(folder, name, set())
        for name, ways in found.items():
            self._set(folder, name, ways)
        if not known:
            self._led.pop(folder, None)
        return self._listen(folder, found, places)

    def stand(self, base: str, real: str, links: Collection[Way], places: Places) -> None:
        """Listen for a directory's coming to be elsewhere, or to be: to the links that lead there, and to what is above it."""
        for _ in range(_MOST_STEPS):
            there, missing = real, ""
            while there != "/" and not places.of(there).may_hang and not os.path.isdir(there):  # noqa: PTH112
                there, _, missing = there.rpartition("/")
                there = there or "/"
            above = {path for path in _above(there) if not places.of(path).may_hang}
            for directory in above:
                self._tree.watch(_SELF + directory, directory, 0)
            self.lead(base, {ALL: {*links, *([(there, missing)] if missing else [])}}, (ALL,), places)
            if self._above.get(base) != above:
                self._above[base] = above
                self._tree.forget_others(_SELF, set().union(*self._above.values()))
            if not missing or not os.path.isdir(f"{there.rstrip('/')}/{missing}"):  # noqa: PTH112 -- it may have come meanwhile
                break

    def forget(self, folder: str) -> None:
        for name in list(self._led.get(folder, ())):
            self._set(folder, name, set())
        self._led.pop(folder, None)

    def spread(self, dirty: dict[str, set[str] | None]) -> None:
        """Replace what happened on the ways by what is to be looked at for that."""
        for key in [key for key in dirty if key.startswith("\0")]:
            names = dirty.pop(key)
            if key.startswith(_SELF):
                continue  # that where a path begins is another directory now is seen by each run
            there = self._users.get(key.removeprefix(_NAMES), {})
            for name in list(there) if names is None else names:
                for folder, links in there.get(name, {}).items():
                    known = dirty.get(folder, set())
                    dirty[folder] = None if known is None or ALL in links else known | links

    def concern(self, key: str, name: str) -> bool:
        """Tell whether a name that the kernel tells of is on a way; called by its thread."""
        return name in self._users.get(key.removeprefix(_NAMES), {})

    def _set(self, folder: str, name: str, ways: set[Way]) -> None:
        known = self._led.setdefault(folder, {})
        before = known.get(name, set())
        self._links += bool(ways) - bool(before)
        for directory, on in before - ways:
            users = self._users[directory][on]
            users[folder].discard(name)
            if not users[folder]:
                del users[folder]
            if not users:
                del self._users[directory][on]
            if not self._users[directory]:
                del self._users[directory]
                self._tree.forget(_NAMES + directory)
        for directory, on in ways - before:
            self._users.setdefault(directory, {}).setdefault(on, {}).setdefault(folder, set()).add(name)
        if ways:
            known[name] = ways
        else:
            known.pop(name, None)

    def _listen(self, folder: str, found: Mapping[str, set[Way]], places: Places) -> bool:
        told = True
        for name, ways in found.items():
            for directory in {directory for directory, _ in ways}:
                if self._tree.is_watched(_NAMES + directory):
                    continue
                if places.of(directory).may_hang or len(self._users) > MOST_DIRECTORIES:
                    told = False
                elif self._tree.watch(_NAMES + directory, directory) == "inotify":
                    self._tree.mark(folder, None if name == ALL else {name})  # it was looked at before it was watched
                else:
                    told &= not os.path.isdir(directory)  # noqa: PTH112
        return told


def _above(directory: str) -> Iterable[str]:
    """Return the directories above one, but for the root, which nobody moves."""
    return filter(None, accumulate(directory.split("/")[1:-1], lambda path, name: f"{path}/{name}", initial=""))
