"""What differs between two looks at the same names: replaced is told from removed and added, rotated from tampered with. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tocsin.filewatch.state import DATABASE, FILE, GROWING, LINK, FileState


class FileChange(StrEnum):
    ADDED = "added"
    DROPPED = "dropped"
    ALTERED = "altered"
    REPLACED = "replaced"
    """Another file has the name now: written beside and renamed, or removed and made anew."""
    RENAMED = "renamed"
    """The same file has another name in the same directory: `detail` has it as `new_name`."""
    ROTATED = "rotated"
    """A log was put aside: moved to a name with a number or a date, compressed, or copied and truncated."""
    FLAPPING = "flapping"
    """It changes so often that its changes are counted and no longer told."""


CONTENT, MODE, OWNER, GROUP, TYPE, TARGET, INODE = "content", "mode", "owner", "group", "type", "target", "inode"
ATTRIBUTES = (TYPE, CONTENT, TARGET, MODE, OWNER, GROUP, INODE)
"""What may differ of a file, the weightiest first. Times are not among them: they say when, not what."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One name that is not as it was. `detail` is what else is known of it, for the event."""

    path: str
    change: FileChange
    old: FileState | None
    new: FileState | None
    attributes: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    shrank: bool = False
    """Whether it is a log that lost content, and no rotation explains it."""
    unsettled: bool = False
    """Whether it may yet turn out to be part of a rotation that is under way: a copy comes before what it was made of goes."""

    others: tuple[str, ...] = ()
    """Other names in its directory that it is about, too."""

    @property
    def subject(self) -> FileState:
        found = self.new or self.old
        assert found is not None
        return found


def attributes(old: FileState, new: FileState, *, grows: bool = False) -> tuple[str, ...]:
    """Return what differs between two states of a name. Of a file that `grows` appended content is no difference."""
    found = []
    if old.kind != new.kind:
        found.append(TYPE)
    elif old.kind == FILE and _content_differs(old, new, grows):
        found.append(CONTENT)
    if old.target != new.target and LINK in (old.kind, new.kind) and TYPE not in found:
        found.append(TARGET)
    if old.mode != new.mode and LINK not in (old.kind, new.kind):  # a link's own permissions are all of them, always
        found.append(MODE)
    if old.uid != new.uid:
        found.append(OWNER)
    if old.gid != new.gid:
        found.append(GROUP)
    if old.inode != new.inode and old.inode and new.inode:
        found.append(INODE)
    return tuple(found)


def _content_differs(old: FileState, new: FileState, grows: bool) -> bool:
    if old.digest and new.digest:
        return old.digest != new.digest
    if grows:
        return new.size < old.size or (old.inode != new.inode and bool(old.inode and new.inode))
    if GROWING in (old.undigested, new.undigested):
        return False  # which files grow was configured anew
    if DATABASE in (old.undigested, new.undigested):
        # What is in a database its own source tells; that it is one no longer is news.
        return bool(old.digest or new.digest)
    return (old.size, old.mtime_ns) != (new.size, new.mtime_ns)


def compare(path: str, old: FileState | None, new: FileState | None, *, grows: bool = False) -> Difference | None:
    """Return how a name differs, None where it does not."""
    if old is None or new is None:
        return None if old is new else Difference(path, FileChange.DROPPED if old else FileChange.ADDED, old, new)
    found = attributes(old, new, grows=grows)
    if not found:
        return None
    same_log = grows and old.inode == new.inode
    return Difference(
        path, FileChange.REPLACED if INODE in found else FileChange.ALTERED, old, new, found, shrank=same_log and new.size < old.size
    )


_ROTATED = re.compile(
    r"""(?P<base>.+?)                                                    # app.log
        (?P<mark>[.-]\d{1,5} | [._-]?\d{4}-?\d\d-?\d\d(?:[-_T.]?\d\d[-:]?\d\d(?:[-:]?\d\d)?)? (?:[.-]\d{1,10})? | \.old | [.-]\d{10})
        (?P<extension>\.[A-Za-z]\w{0,9})??                               # app-20261121.log, as with logrotate's `extension`
        (?P<packed>\.(?:gz|bz2|xz|zst|lz4|Z))?""",
    re.VERBOSE,
)


def rotated_from(name: str) -> tuple[str, bool] | None:
    """Return of which name this is an older copy by its form, and whether it is compressed; None for a name of its own.

    >>> rotated_from("app.log.1"), rotated_from("app.log-20261121.gz"), rotated_from("app.2026-11-21.log"), rotated_from("app.log")
    (('app.log', False), ('app.log', True), ('app.log', False), None)
    """
    found = _ROTATED.fullmatch(name)
    if found is None:
        return None
    return found["base"] + (found["extension"] or ""), bool(found["packed"])


def differences(
    directory: str,
    old: Mapping[str, FileState],
    new: Mapping[str, FileState],
    *,
    grows: Collection[str] = (),
) -> list[Difference]:
    """Return how the names of one directory differ, each thing that happened once.

    `grows` are the names of logs. Of those alone a rotation is told from tampering, by this rule: the file, known by its inode, has
    a name now that is the same with a number or a date (app.log.1, app.log-20261121); or it is shorter while a file of such a name
    has come, or is another or of another size, that was written no earlier than it was last, and is at least as long as it was or
    compressed; or it is another while a compressed copy (app.log.1.gz), made since it was last written to, has come. What else of
    such names moves up, is compressed (the name with .gz or the like comes while the one without goes) or falls off the end, belongs
    to the rotation; what merely bears such a name does not.
    """
    found = [d for name in sorted({*old, *new}) if (d := compare(name, old.get(name), new.get(name), grows=name in grows)) is not None]
    if found and grows:
        found = list(_Rotation(old, new, grows).explain(found))
    found = list(_renamed(found, grows))
    prefix = directory.rstrip("/")
    return [replace(d, path=f"{prefix}/{d.path}") for d in found]


def _renamed(found: list[Difference], grows: Collection[str]) -> Iterator[Difference]:
    """Make one difference of a name that went and one that came with its file."""
    came = {(d.new.kind, d.new.inode): d for d in found if d.change is FileChange.ADDED and d.new and d.new.inode and d.new.links < 2}
    pairs: dict[str, Difference] = {}
    for d in found:
        if d.change is FileChange.DROPPED and d.old is not None:
            other = came.get((d.old.kind, d.old.inode))
            if other is not None and other.new is not None and _is_same(d.old, other.new):
                pairs[d.path] = came.pop((d.old.kind, d.old.inode))
    taken = {d.path for d in pairs.values()}
    for d in found:
        other = pairs.get(d.path)
        if other is not None and d.old is not None and other.new is not None:
            changed = attributes(d.old, other.new, grows=d.path in grows)
            detail = {"new_name": other.path}
            yield replace(d, change=FileChange.RENAMED, new=other.new, attributes=changed, detail=detail, others=(other.path,))
        elif d.path not in taken:
            yield d


def _is_same(old: FileState, new: FileState) -> bool:
    """Tell whether two states of one number are the same file: the number of one that is removed is soon given to another."""
    if old.digest and new.digest:
        return old.digest == new.digest
    return (old.size, old.mtime_ns, old.target) == (new.size, new.mtime_ns, new.target)


_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z")


class _Rotation:
    """Which of a directory's differences are one rotation."""

    def __init__(self, old: Mapping[str, FileState], new: Mapping[str, FileState], grows: Collection[str]) -> None:
        self.old, self.new = old, new
        self.names = {s.inode: name for name, s in new.items() if s.kind == FILE and s.inode}
        self.copies: dict[str, list[str]] = {}
        for name in sorted({*old, *new}):
            source = rotated_from(name)
            if source is not None and source[0] in grows:
                self.copies.setdefault(source[0], []).append(name)
        copies = [old[name] for names in self.copies.values() for name in names if name in old]
        self.rotated_before = {copy.inode for copy in copies}
        self.copied_before = {(copy.inode, copy.size) for copy in copies}

    def explain(self, found: list[Difference]) -> Iterator[Difference]:
        by_name = {d.path: d for d in found}
        told: list[Difference] = []
        for base, copies in self.copies.items():
            to = self._moved_to(base) or self._copied_to(base) or self._packed_to(base)
            packed = [name for name in copies if self._is_packed(name)]
            if to is not None or packed:
                belonging = [name for name in copies if name in by_name and self._belongs(name, to)]
                detail = {"to": to or packed[0]}
                if gone := [name for name in belonging if self._fell_off(name)]:
                    detail["removed"] = ", ".join(gone)
                for name in [*belonging, *([base] if to else [])]:
                    by_name.pop(name, None)
                old = self.old.get(base) or self.old[_plain(packed[0])]
                told.append(Difference(base, FileChange.ROTATED, old, self.new.get(base), detail=detail, others=tuple(belonging)))
            for name in copies:
                d = by_name.get(name)
                if d is not None and d.old is None and (base in self.new or _plain(name) in self.new):
                    by_name[name] = replace(d, unsettled=True)
        yield from sorted([*by_name.values(), *told], key=lambda d: d.path)

    def _moved_to(self, base: str) -> str | None:
        """Return the rotated name that has the file now which had the name."""
        old, new = self.old.get(base), self.new.get(base)
        if old is None or old.kind != FILE or (new is not None and new.inode == old.inode):
            return None
        name = self.names.get(old.inode)
        return name if name in self.copies[base] and self.new[name].size >= old.size else None

    def _copied_to(self, base: str) -> str | None:
        """Return the rotated name of a copy that was made before the file was truncated."""
        old, new = self.old.get(base), self.new.get(base)
        if old is None or new is None or old.inode != new.inode or new.size >= old.size:
            return None
        for name in self.copies[base]:
            copy = self.new.get(name)
            # The time of its inode says nothing: a touch moves it. Nor does that of its content where the rest is as it was.
            if copy is None or copy.kind != FILE or not copy.size or (copy.inode, copy.size) in self.copied_before:
                continue
            written_since = copy.mtime_ns // 10**9 >= old.mtime_ns // 10**9  # some programs keep whole seconds
            if written_since and (copy.size >= old.size or name.endswith(_SUFFIXES)):
                return name
        return None

    def _packed_to(self, base: str) -> str | None:
        """Return the rotated name of a compressed copy that has come since, while the file itself has gone or is another."""
        old, new = self.old.get(base), self.new.get(base)
        if old is None or old.kind != FILE or old.inode in self.names or (new is not None and new.kind != FILE):
            return None
        for name in self.copies[base]:
            copy, before = self.new.get(name), self.old.get(name)
            came = copy is not None and copy.size and (before is None or before.inode != copy.inode)
            if came and copy is not None and name.endswith(_SUFFIXES) and copy.inode not in self.rotated_before:
                return name if copy.ctime_ns >= old.mtime_ns else None
        return None

    def _is_packed(self, name: str) -> bool:
        """Tell whether a copy was compressed: it has come, and the one without the suffix has gone or is another now."""
        plain = _plain(name)
        if not name.endswith(_SUFFIXES) or name not in self.new or not self.new[name].size or plain not in self.old:
            return False
        gone = plain not in self.new or self.new[plain].inode != self.old[plain].inode
        return gone and (name not in self.old or self.old[name].inode != self.new[name].inode)

    def _belongs(self, name: str, to: str | None) -> bool:
        """Tell whether a copy's own difference is part of the rotation."""
        if name == to or self._is_packed(name):
            return True
        old, new = self.old.get(name), self.new.get(name)
        if new is None:  # it was compressed, moved up, or fell off the end
            return to is not None or any(self._is_packed(name + suffix) for suffix in _SUFFIXES)
        if to is None:
            return False
        return (old is None or old.inode != new.inode) and new.inode in self.rotated_before

    def _fell_off(self, name: str) -> bool:
        old = self.old.get(name)
        packed = any(self._is_packed(name + suffix) for suffix in _SUFFIXES)
        return old is not None and name not in self.new and old.inode not in self.names and not packed


def _plain(name: str) -> str:
    """Return a compressed file's name as it was before."""
    return name.rpartition(".")[0] if name.endswith(_SUFFIXES) else name
