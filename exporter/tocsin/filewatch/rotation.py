"""Which changes of a directory's names are one rotation of a log, and what nobody may hide behind one. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from tocsin.filewatch import heads
from tocsin.filewatch.compare import GROUP, MODE, OWNER, RIGHTS, TYPE, Difference, FileChange, attributes, has_lost
from tocsin.filewatch.state import FILE, FileState

_ROTATED = re.compile(
    r"""(?P<base>.+?)                                                    # app.log
        (?P<mark>[.-]\d{1,5} | [._-]?\d{4}-?\d\d-?\d\d(?:[-_T.]?\d\d[-:]?\d\d(?:[-:]?\d\d)?)? (?:[.-]\d{1,10})? | \.old | [.-]\d{10})
        (?P<extension>\.[A-Za-z]\w{0,9})??                               # app-20261121.log, as with logrotate's `extension`
        (?P<packed>\.(?:gz|bz2|xz|zst|lz4|Z))?                           # those of `heads`""",
    re.VERBOSE,
)

_MOST_DIGITS = 5
"""Of a copy's number; one with more is a date or a time."""


def rotated_from(name: str) -> tuple[str, bool] | None:
    """Return of which name this is an older copy by its form, and whether it is compressed; None for a name of its own.

    >>> rotated_from("app.log.1"), rotated_from("app.log-20261121.gz"), rotated_from("app.2026-11-21.log"), rotated_from("app.log")
    (('app.log', False), ('app.log', True), ('app.log', False), None)
    """
    found = _ROTATED.fullmatch(name)
    if found is None:
        return None
    return found["base"] + (found["extension"] or ""), bool(found["packed"])


class Rotation:
    """Which of a directory's differences are one rotation.

    Of what takes part nothing but names, numbers and content may change: a kind, owner, permission or right that lets more people in
    is told beside it, under the log's name where a new file has that, else under the copy's.
    """

    def __init__(self, old: Mapping[str, FileState], new: Mapping[str, FileState], grows: Collection[str]) -> None:
        self.old, self.new = old, new
        self.names = {s.inode: name for name, s in new.items() if s.kind == FILE and s.inode}
        self.copies: dict[str, list[str]] = {}
        for name in sorted({*old, *new}):
            source = rotated_from(name)
            if source is not None and source[0] in grows:
                self.copies.setdefault(source[0], []).append(name)
        before = [old[name] for names in self.copies.values() for name in names if name in old]
        self.rotated_before = {copy.inode: copy for copy in before if copy.inode}
        logs = [old[name] for name in self.copies if name in old and old[name].kind == FILE]
        self.files_before = self.rotated_before | {log.inode: log for log in logs if log.inode}
        self.copied_before = {(copy.inode, copy.size, copy.head) for copy in before}

    def explain(self, found: list[Difference]) -> Iterator[Difference]:
        by_name = {d.path: d for d in found}
        told: list[Difference] = []
        for base, copies in self.copies.items():
            to = self._moved_to(base) or self._copied_to(base) or self._packed_to(base)
            packed = {name: source for name in copies if (source := self._packed_from(name, copies)) is not None}
            if to is not None or packed:
                belonging = [name for name in copies if name in by_name and self._belongs(name, base, to, packed)]
                detail = {"to": to or next(iter(packed))}
                if gone := [name for name in belonging if self._fell_off(name, packed)]:
                    detail["removed"] = ", ".join(gone)
                for name in [*belonging, *([base] if to else [])]:
                    by_name.pop(name, None)
                old, new = self.old.get(base) or self.old[next(iter(packed.values()))], self.new.get(base)
                gained = _gained(old, new) if to and new is not None else ()
                told.append(Difference(base, FileChange.ROTATED, old, new, gained, detail, others=tuple(belonging)))
                told += self._opened(belonging, base, packed)
            for name in copies:
                d = by_name.get(name)
                if d is not None and d.old is None and (base in self.new or _plain(name) in self.new):
                    by_name[name] = replace(d, unsettled=True)
        yield from sorted([*by_name.values(), *told], key=lambda d: d.path)

    def _opened(self, names: list[str], base: str, packed: Mapping[str, str]) -> Iterator[Difference]:
        """Tell of copies that more people may use than what they are of."""
        for name in names:
            now = self.new.get(name)
            was = None if now is None else self._was(now) or self.old.get(packed.get(name, base))
            if now is None or was is None:
                continue
            # A copy that root has made is root's: nobody gains by that.
            ours = {OWNER: now.uid == 0, GROUP: now.gid == 0}
            gained = tuple(attribute for attribute in _gained(was, now) if not ours.get(attribute))
            if gained:
                yield Difference(name, FileChange.ALTERED, was, now, gained)

    def _was(self, now: FileState) -> FileState | None:
        """Return what a file was that is a rotated copy now: the log, or a copy of another number. None: it was made since."""
        was = self.files_before.get(now.inode)
        return was if was is not None and not has_lost(was, now) else None

    def _moved_to(self, base: str) -> str | None:
        """Return the rotated name that has the file now which had the name."""
        old, new = self.old.get(base), self.new.get(base)
        if old is None or old.kind != FILE or (new is not None and new.inode == old.inode):
            return None
        name = self.names.get(old.inode)
        return name if name in self.copies[base] and not has_lost(old, self.new[name]) else None

    def _copied_to(self, base: str) -> str | None:
        """Return the rotated name of a copy that was made before the file was truncated."""
        old, new = self.old.get(base), self.new.get(base)
        if old is None or new is None or old.inode != new.inode or old.kind != FILE or not has_lost(old, new):
            return None
        for name in self.copies[base]:
            copy = self.new.get(name)
            # The time of its inode says nothing: a touch moves it. Nor does that of its content where the rest is as it was.
            if copy is None or copy.kind != FILE or (copy.inode, copy.size, copy.head) in self.copied_before or self._only_grew(copy):
                continue
            written_since = copy.mtime_ns // 10**9 >= old.mtime_ns // 10**9  # some programs keep whole seconds
            if written_since and _holds(name, copy, old):
                return name
        return None

    def _packed_to(self, base: str) -> str | None:
        """Return the rotated name of a compressed copy that has come since, while the file itself has gone or is another."""
        old, new = self.old.get(base), self.new.get(base)
        if old is None or old.kind != FILE or not self._is_gone(old) or (new is not None and new.inode == old.inode):
            return None
        for name in self.copies[base]:
            if self._came_packed(name) and self.new[name].ctime_ns >= old.mtime_ns and _holds(name, self.new[name], old):
                return name
        return None

    def _packed_from(self, name: str, copies: list[str]) -> str | None:
        """Return the copy that a compressed one was made of: it has gone, or its name is another's now."""
        if not self._came_packed(name):
            return None
        # Most programs keep the number; with logrotate's `delaycompress` it has moved up by one since.
        for source in (_plain(name), *(c for c in copies if heads.packing(c) is None and _have_same_head(self.new[name], self.old.get(c)))):
            was = self.old.get(source)
            if was is not None and was.kind == FILE and self._is_gone(was) and _holds(name, self.new[name], was):
                return source
        return None

    def _is_gone(self, was: FileState) -> bool:
        """Tell whether no name leads to a file any more; its number may be another's soon."""
        name = self.names.get(was.inode)
        return name is None or has_lost(was, self.new[name])

    def _came_packed(self, name: str) -> bool:
        """Tell whether it is a compressed file that has come since."""
        copy, before = self.new.get(name), self.old.get(name)
        if copy is None or copy.kind != FILE or heads.packing(name) is None or self._only_grew(copy):
            return False
        return before is None or before.inode != copy.inode

    def _only_grew(self, copy: FileState) -> bool:
        """Tell whether it is an older copy, as it was or appended to: what was written over it begins otherwise, or is shorter."""
        before = self.rotated_before.get(copy.inode)
        return before is not None and copy.size >= before.size and not heads.differ(before.head, copy.head)

    def _belongs(self, name: str, base: str, to: str | None, packed: Mapping[str, str]) -> bool:
        """Tell whether a copy's own difference is part of the rotation."""
        if name == to or name in packed:
            return True
        old, new = self.old.get(name), self.new.get(name)
        if new is None:  # it was compressed, moved up, or fell off the end
            return to is not None or name in packed.values()
        if to is None or new.kind != FILE:
            return False
        if old is not None and old.inode == new.inode and not has_lost(old, new):
            return False
        if new.inode in self.rotated_before and self._was(new) is not None:
            return True
        return self._came_between(name, base, to, packed)

    def _came_between(self, name: str, base: str, to: str, packed: Mapping[str, str]) -> bool:
        """Tell whether it is a log that came and was put aside, both since the last look: by its number it is younger than `to`.

        What had its name must have moved up, or have fallen off the end.
        """
        number, last = _number(name), _number(to)
        if number is None or last is None or number >= last:
            return False
        was = self.old.get(name)
        if was is None or name in packed.values():
            return True
        numbers = {copy: n for copy in self.copies[base] if copy in self.new and (n := _number(copy)) is not None}
        if not self._is_gone(was):
            return numbers.get(self.names[was.inode], 0) > number
        times = last - min(numbers.values()) + 1
        return max(numbers.values()) < number + times

    def _fell_off(self, name: str, packed: Mapping[str, str]) -> bool:
        old = self.old.get(name)
        return old is not None and name not in self.new and self._is_gone(old) and name not in packed.values()


def _holds(name: str, copy: FileState, log: FileState) -> bool:
    """Tell whether a file can be a copy of all that a log held: by its size, and by how it begins."""
    return (
        copy.size > 0
        and heads.could_hold(name, copy.size, log.size)
        and copy.head != heads.BROKEN
        and not heads.differ(copy.head, log.head)
    )


def _have_same_head(one: FileState, other: FileState | None) -> bool:
    return other is not None and bool(one.head and other.head) and not heads.differ(one.head, other.head)


def _gained(was: FileState, now: FileState) -> tuple[str, ...]:
    """Return what lets others at a file than before: fewer rights are no news where files come and go."""
    found = []
    for attribute in attributes(was, now, grows=True):
        wider = attribute in (TYPE, OWNER, GROUP) or (attribute == MODE and now.mode & ~was.mode) or (attribute == RIGHTS and now.rights)
        if wider:
            found.append(attribute)
    return tuple(found)


def _number(name: str) -> int | None:
    """Return how many younger copies one has by its name; None where that has a date or the like.

    >>> _number("app.log.2.gz"), _number("app.log-20261121")
    (2, None)
    """
    found = _ROTATED.fullmatch(name)
    mark = found["mark"][1:] if found is not None else ""
    return int(mark) if mark.isdecimal() and len(mark) <= _MOST_DIGITS else None


def _plain(name: str) -> str:
    """Return a compressed file's name as it was before."""
    return name.removesuffix(heads.packing(name) or "")
