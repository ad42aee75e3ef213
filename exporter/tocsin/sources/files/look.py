"""One look into one directory: what is there now, which of it is watched, and what is in the files that have moved."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass, field
from stat import S_ISLNK

from tocsin.filewatch import content
from tocsin.filewatch.places import Hung, Place, Places, ask
from tocsin.filewatch.risk import is_secret_name
from tocsin.filewatch.state import DIRECTORY, FILE, GROWING, NOT_WANTED, PENDING, FileState, of_stat
from tocsin.magic import Inode
from tocsin.sources.files.scope import Scope
from tocsin.sources.files.view import Folder, View, join

MOST_TEXTS = 2_000
_UNKNOWN = (PENDING, GROWING, NOT_WANTED)


@dataclass(slots=True)
class Listing:
    """What a directory holds of what is watched."""

    states: dict[str, FileState] = field(default_factory=dict)
    denied: list[str] = field(default_factory=list)
    """Names of which nothing more may be known."""
    hung: list[str] = field(default_factory=list)
    """Names at which another file system is mounted that does not answer."""
    cut: bool = False
    """Whether it holds more than can be taken in."""

    def mark(self) -> int:
        """Return a number that is another when anything has moved."""
        return sum(map(hash, self.states.items())) & (2**64 - 1)


def listing(view: View, folder: Folder, places: Places, names: Collection[str] | None, room: int, ours: frozenset[Inode]) -> Listing:
    """Look into a directory, at those names only where some are given. Raises OSError, and Hung.

    Of `ours` size and times are left out: the journal changes by telling of its change.
    """
    place, patience = places.of(folder.real), view.options.patience
    points = places.that_may_hang_in(folder.real)
    if names is not None:
        found = ask(place, lambda: _some(view, folder, place, [name for name in names if name not in points], ours), patience)
    else:
        found = ask(place, lambda: _all(view, folder, place, room, points, ours), patience)
    for name, point in points.items():  # to look at the name is to ask what is mounted there
        if names is None or name in names:
            try:
                more = ask(point, lambda name=name, point=point: _some(view, folder, point, [name], ours), patience)  # type: ignore[misc]
            except Hung:
                found.hung.append(name)
            else:
                found.states |= more.states
    return found


def _all(view: View, folder: Folder, place: Place, room: int, points: Container[str], ours: frozenset[Inode]) -> Listing:
    found = Listing()
    directory, scope, excluded, stable = folder.path, folder.scope, view.exclude.match, place.stable_inodes
    with os.scandir(folder.real) as entries:
        for entry in entries:
            name = entry.name
            if name in points or excluded(directory, name) or not _is_wanted(scope, directory, entry):
                continue
            if len(found.states) >= room:
                found.cut = True
                break
            try:
                looked = entry.stat(follow_symlinks=False)
                target = os.readlink(entry.path) if S_ISLNK(looked.st_mode) else None  # noqa: PTH115 -- the text as it is
            except FileNotFoundError:
                continue
            except OSError:
                found.denied.append(name)
                continue
            state = of_stat(looked, target, stable_inodes=stable)
            found.states[name] = state if (looked.st_dev, looked.st_ino) not in ours else _still(state)
    return found


def _is_wanted(scope: Scope, directory: str, entry: os.DirEntry[str]) -> bool:
    if scope.everything is not None or scope.owner(entry.name) is not None:
        return True
    return scope.into(entry.name, join(directory, entry.name)) is not None and entry.is_dir(follow_symlinks=False)


def _some(view: View, folder: Folder, place: Place, names: Iterable[str], ours: frozenset[Inode]) -> Listing:
    found = Listing()
    for name in names:
        if view.exclude.match(folder.path, name):
            continue
        path = join(folder.real, name)
        try:
            looked = os.lstat(path)
            target = os.readlink(path) if S_ISLNK(looked.st_mode) else None  # noqa: PTH115
        except FileNotFoundError:
            continue
        except OSError:
            found.denied.append(name)
            continue
        state = of_stat(looked, target, stable_inodes=place.stable_inodes)
        if (looked.st_dev, looked.st_ino) in ours:
            state = _still(state)
        scope = folder.scope
        if scope.owner(name) is not None or (state.kind == DIRECTORY and scope.into(name, join(folder.path, name)) is not None):
            found.states[name] = state
    return found


def _still(state: FileState) -> FileState:
    return state._replace(size=0, mtime_ns=0, ctime_ns=0)


class Reader:
    """Gives the states of a directory's files their digests: the known ones while nothing has moved, else by reading them."""

    def __init__(self, view: View, folder: Folder, place: Place, ours: frozenset[Inode], is_time: bool) -> None:
        self._view, self._folder, self._place, self._ours, self._is_time = view, folder, place, ours, is_time
        self.texts: dict[str, str] = {}
        """What small text files say that were read, by name."""
        self.waiting: set[str] = set()
        """Names that had to be put off."""

    def fill(self, states: dict[str, FileState], old: dict[str, FileState], again: Collection[str] = ()) -> None:
        """Give each file its digest in place; those of `again` are read even if they have not moved."""
        view, folder = self._view, self._folder
        for name, state in states.items():
            if state.kind != FILE:
                continue
            before = old.get(name)
            if view.grows.match(folder.path, name):
                states[name] = state._replace(undigested=GROWING)
            elif not view.options.hash_up_to:
                states[name] = state._replace(undigested=NOT_WANTED)
            elif before is not None and name not in again and before.moved == state.moved and before.undigested not in _UNKNOWN:
                states[name] = state._replace(digest=before.digest, undigested=before.undigested)
            elif not self._is_time or not view.pace.may_read():
                self.waiting.add(name)
            else:
                states[name] = self._read(name, state)

    def _read(self, name: str, state: FileState) -> FileState:
        view, folder = self._view, self._folder
        options = view.options
        path = join(folder.real, name)
        wants_text = state.size <= options.diff_up_to and view.diff.match(folder.path, name) and not is_secret_name(name)
        text_up_to = options.diff_up_to if wants_text and view.texts < MOST_TEXTS else 0
        try:
            found = ask(
                self._place,
                lambda: content.read(path, state, ours=self._ours, up_to=options.hash_up_to, text_up_to=text_up_to),
                options.patience + state.size / 2**20,
            )
        except Hung:
            self.waiting.add(name)
            return state
        view.pace.spend(found.state.size if found.state.digest else 0)
        if found.state.undigested == PENDING:  # written, or something else, while it was read
            self.waiting.add(name)
        elif found.text is not None:
            self.texts[name] = found.text
        return found.state
