"""What changed between two schemas: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.event import Change
from tocsin.schema.model import CONTAINERS, TRAITS, Object, Schema

_Key: TypeAlias = tuple[str, str, str]

_WORD = re.compile(r'"(?:[^"]|"")*"|\w+|\S')


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed object: `old` is None when it was added, `new` when it was dropped."""

    change: Change
    old: Object | None
    new: Object | None

    @property
    def subject(self) -> Object:
        """The object as people know it: as it is now, or as it was."""
        found = self.old if self.change in (Change.DROPPED, Change.RENAMED) else self.new
        assert found is not None
        return found

    def altered_traits(self) -> list[str]:
        if self.old is None or self.new is None:
            return []
        names = TRAITS[self.old.kind]
        return [n for n, a, b in zip(names, self.old.traits, self.new.traits, strict=True) if a != b]


def diff(before: Schema, after: Schema) -> list[Difference]:
    """Return every change from one schema to the other, tables first, then by name.

    Parts of an added or dropped table are not listed one by one. A rename is told by the engine's identity
    where it has one, and for indexes and constraints by their content; a renamed table's parts have not changed,
    and neither has what only mentions the new name now. A table that became a partition is neither dropped nor added.
    """
    gone, come = _partitions(after), _partitions(before)
    outer = _compare(
        (o for o in before.objects if o.kind in CONTAINERS and o.identity not in gone),
        (o for o in after.objects if o.kind in CONTAINERS and o.identity not in come),
    )
    silent = {o.full_name for s, mark in ((before, gone), (after, come)) for o in s.objects if o.kind in CONTAINERS and o.identity in mark}
    dropped = {d.old.full_name for d in outer if d.change is Change.DROPPED and d.old} | silent
    added = {d.new.full_name for d in outer if d.change is Change.ADDED and d.new} | silent
    renamed = {d.old.full_name: d.new.full_name for d in outer if d.change is Change.RENAMED and d.old and d.new}
    inner = _compare(
        (_moved(o, renamed) for o in before.objects if _is_part(o) and o.parent not in dropped),
        (o for o in after.objects if _is_part(o) and o.parent not in added),
    )
    words = _renamed_words(outer + inner)
    return outer + [d for d in inner if not _only_follows(d, words)]


def _partitions(schema: Schema) -> set[str | None]:
    return {o.identity for o in schema.objects if o.kind == "partition" and o.identity}


def _is_part(o: Object) -> bool:
    return o.kind not in (*CONTAINERS, "partition")


def _renamed_words(differences: list[Difference]) -> set[tuple[str, str]]:
    """Return old and new words of every renamed table and column."""
    found: set[tuple[str, str]] = set()
    for d in differences:
        if d.change is Change.RENAMED and d.subject.kind in (*CONTAINERS, "column") and d.old and d.new:
            found.add((d.old.name, d.new.name))
            found.update(zip(d.old.name.split("."), d.new.name.split("."), strict=False))
    return found


def _only_follows(d: Difference, renamed: set[tuple[str, str]]) -> bool:
    """Tell whether an object was altered only in that its texts mention renamed tables and columns by their new names."""
    if d.change is not Change.ALTERED or not renamed or d.old is None or d.new is None:
        return False
    for a, b in zip(d.old.traits, d.new.traits, strict=True):
        old, new = _words(a or ""), _words(b or "")
        if len(old) != len(new) or any(x != y and (x, y) not in renamed for x, y in zip(old, new, strict=True)):
            return False
    return True


def _words(text: str) -> list[str]:
    return [w[1:-1].replace('""', '"') if w[0] == '"' else w for w in _WORD.findall(text)]


def _moved(o: Object, renamed: dict[str, str]) -> Object:
    return o._replace(parent=renamed[o.parent]) if o.parent in renamed else o


def _key(o: Object) -> _Key:
    return (o.kind, o.parent, o.name)


def _compare(before: Iterable[Object], after: Iterable[Object]) -> list[Difference]:
    old = {_key(o): o for o in before}
    new = {_key(o): o for o in after}
    gone = {k: o for k, o in old.items() if k not in new or new[k].traits != o.traits}
    come = {k: o for k, o in new.items() if k not in old or old[k].traits != o.traits}
    _pairs(gone, come, _same_behind_made_up_name)  # they are equal: their names mean nothing
    found = [Difference(Change.ALTERED, gone.pop(k), come.pop(k)) for k in gone.keys() & come.keys()]
    for a, b in _pairs(gone, come, _same_identity) + _pairs(gone, come, _same_content):
        if not (a.generated and b.generated):
            found.append(Difference(Change.RENAMED, a, b))
        if a.traits != b.traits:
            found.append(Difference(Change.ALTERED, a, b))
    found += [Difference(Change.DROPPED, o, None) for o in gone.values()]
    found += [Difference(Change.ADDED, None, o) for o in come.values()]
    return sorted(found, key=lambda d: (d.subject.kind, d.subject.full_name, d.change))


def _pairs(gone: dict[_Key, Object], come: dict[_Key, Object], sameness: Callable[[Object], object]) -> list[tuple[Object, Object]]:
    """Take out of both the objects that are the same under another name, and return them in pairs."""
    by_mark: dict[object, list[_Key]] = {}
    for key, o in sorted(come.items()):
        mark = sameness(o)
        if mark is not None:
            by_mark.setdefault(mark, []).append(key)
    pairs = []
    for key, o in sorted(gone.items()):
        matches = by_mark.get(sameness(o))
        if matches:
            pairs.append((gone.pop(key), come.pop(matches.pop(0))))
    return pairs


def _same_behind_made_up_name(o: Object) -> object:
    return (o.kind, o.parent, o.traits) if o.generated else None


def _same_identity(o: Object) -> object:
    return (o.kind, o.parent, o.identity) if o.identity else None


def _same_content(o: Object) -> object:
    return (o.kind, o.parent, o.traits) if o.kind in ("index", "constraint") else None
