"""One look into one directory: what is there now, which of it is watched, and what is in the files that have moved."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass, field
from stat import S_ISLNK, S_ISREG

from tocsin.filewatch import content, heads
from tocsin.filewatch.places import Hung, Place, Places, Way, ask, end_of
from tocsin.filewatch.risk import is_secret_name
from tocsin.filewatch.rotation import rotated_from
from tocsin.filewatch.state import (
    DENIED,
    DIRECTORY,
    FILE,
    GROWING,
    LINK,
    NOT_WANTED,
    NOWHERE,
    PENDING,
    UNFOLLOWED,
    FileState,
    of_stat,
    rights_of,
)
from tocsin.magic import Inode
from tocsin.sources.files.scope import Scope
from tocsin.sources.files.view import Folder, View, join

MOST_TEXTS = 2_000
_UNKNOWN = (PENDING, GROWING, NOT_WANTED, NOWHERE)


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
    ends: dict[str, str] = field(default_factory=dict)
    """By the name of a link to a file, where that is."""
    ways: dict[str, set[Way]] = field(default_factory=dict)
    """By the name of a link, on what it depends what it leads to."""
    blind: set[str] = field(default_factory=set)
    """Links of which it cannot be known where they lead."""

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
    links = [name for name, state in found.states.items() if state.kind == LINK]
    followed = view.ways.room(folder.path, links)
    for name in links:
        state = found.states[name]
        if view.grows.match(folder.path, name) or name not in followed:
            found.states[name] = state._replace(undigested=UNFOLLOWED)
        else:
            found.states[name] = _followed(view, folder, places, found, name, state, ours)
    if len(followed) < len(links):
        view.limits.add("links")
    return found


def _followed(view: View, folder: Folder, places: Places, found: Listing, name: str, state: FileState, ours: frozenset[Inode]) -> FileState:
    """Return a link's state with what is known of the file to which it leads: with the size and the times of that.

    A file that is watched itself tells of itself, unless which one the link leads to depends on another link still. What is in the
    file is read only where it belongs to whom the links belong to: nobody who may make links has the exporter read what is another's.
    """
    ways: list[Way] = []
    patience = view.options.patience
    try:
        end = end_of(folder.real, state.target or "", places, patience, ways)
        above, _, last = end.rpartition("/")
        above = above or "/"
        scope = view.patterns.of(above)
        if not ways and scope is not None and scope.owner(last) is not None and not view.exclude.match(above, last):
            return state._replace(undigested=UNFOLLOWED)
        place = places.of(end)
        if place.of_the_kernel:
            return state._replace(undigested=UNFOLLOWED)
        found.ways[name] = {*ways, (above, last)}
        looked = ask(place, lambda: os.lstat(end), patience)
        owners = {ask(places.of(on), lambda on=on, link=link: os.lstat(join(on, link)).st_uid, patience) for on, link in ways}  # type: ignore[misc]
    except FileNotFoundError:
        return state._replace(undigested=NOWHERE)
    except (Hung, OSError):
        found.blind.add(name)
        return state
    if (looked.st_dev, looked.st_ino) in ours:
        del found.ways[name]
        return state._replace(undigested=UNFOLLOWED)
    if S_ISREG(looked.st_mode):
        if owners | {looked.st_uid} == {state.uid}:
            found.ends[name] = end
        state = state._replace(size=looked.st_size, mtime_ns=looked.st_mtime_ns, ctime_ns=looked.st_ctime_ns)
        return state._replace(undigested=PENDING if name in found.ends else DENIED)
    return state._replace(undigested=NOWHERE)


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

    def __init__(self, view: View, folder: Folder, places: Places, ours: frozenset[Inode], is_time: bool) -> None:
        self._view, self._folder, self._ours, self._is_time = view, folder, ours, is_time
        self._places, self._place = places, places.of(folder.real)
        self.texts: dict[str, str] = {}
        """What small text files say that were read, by name."""
        self.waiting: set[str] = set()
        """Names that had to be put off."""

    def fill(self, found: Listing, old: dict[str, FileState], again: Collection[str] = ()) -> None:
        """Give each file its digest in place; those of `again` are read even if they have not moved."""
        view, folder, states = self._view, self._folder, found.states
        for name, state in states.items():
            before = old.get(name)
            if name in found.blind and before is not None and before.kind == LINK:
                states[name] = _through(state, before)
            if state.undigested == NOWHERE and before is not None and before.kind == LINK:
                states[name] = state._replace(digest=before.digest)
            if state.kind != FILE and name not in found.ends:
                continue
            still = before if before is not None and name not in again and before.moved == state.moved else None
            if view.grows.match(folder.path, name):
                states[name] = state._replace(undigested=GROWING)
            elif not view.options.hash_up_to:
                states[name] = state._replace(undigested=NOT_WANTED)
            elif still is not None and still.undigested not in _UNKNOWN:
                states[name] = state._replace(digest=still.digest, undigested=still.undigested)
            elif not self._is_time or not view.pace.may_read():
                self.waiting.add(name)
            else:
                states[name] = self._read(name, state, found.ends.get(name))
            if state.kind == FILE:
                states[name] = self._with_rights(name, states[name], still)

    def _with_rights(self, name: str, state: FileState, still: FileState | None) -> FileState:
        """Return the state with what its extended attributes grant, and of a log and its copies how they begin."""
        path = join(self._folder.real, name)
        head, rights = (still.head, still.rights) if still is not None else (None, None)
        try:
            if rights is None and self._is_time:
                rights = ask(self._place, lambda: rights_of(path), self._view.options.patience)
            if still is None and self._is_time and self._is_log(name):
                head = ask(self._place, lambda: heads.read(path, name, self._ours), self._view.options.patience)
        except Hung:
            pass
        return state._replace(rights=rights, head=head)

    def _is_log(self, name: str) -> bool:
        """Tell whether it is a log, or a copy of one."""
        grows, directory = self._view.grows, self._folder.path
        return grows.match(directory, name) or ((source := rotated_from(name)) is not None and grows.match(directory, source[0]))

    def _read(self, name: str, state: FileState, end: str | None) -> FileState:
        view, folder = self._view, self._folder
        options = view.options
        path = end or join(folder.real, name)
        place = self._place if end is None else self._places.of(end)
        wants_text = state.size <= options.diff_up_to and view.diff.match(folder.path, name) and not is_secret_name(name)
        text_up_to = options.diff_up_to if wants_text and view.texts < MOST_TEXTS else 0
        try:
            found = ask(
                place,
                lambda: content.read(path, state, ours=self._ours, up_to=options.hash_up_to, text_up_to=text_up_to),
                options.patience + state.size / 2**20,
            )
        except Hung:
            self.waiting.add(name)
            return state
        view.pace.spend(found.state.size if found.state.digest else 0)
        if end is not None and found.state.kind == FILE and found.state.uid != state.uid:  # another file meanwhile
            return state._replace(undigested=DENIED)
        if found.state.undigested == PENDING:  # written, or something else, while it was read
            self.waiting.add(name)
        elif found.text is not None:
            self.texts[name] = found.text
        return found.state if end is None else _through(state, found.state)


def _through(link: FileState, read: FileState) -> FileState:
    """Return a link's state with what was read of the file it leads to."""
    return link._replace(size=read.size, mtime_ns=read.mtime_ns, ctime_ns=read.ctime_ns, digest=read.digest, undigested=read.undigested)
