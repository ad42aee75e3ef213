"""What changed between two schemas: values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.event import Change
from tocsin.schema.model import CONTAINERS, TRAITS, Object, Schema

_Key: TypeAlias = tuple[str, str, str]


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
    where it has one, and for indexes and constraints by their content; a renamed table's parts have not changed.
    """
    found: list[Difference] = []
    outer = _compare((o for o in before.objects if o.kind in CONTAINERS), (o for o in after.objects if o.kind in CONTAINERS))
    found += outer
    dropped = {d.old.full_name for d in outer if d.change is Change.DROPPED and d.old}
    added = {d.new.full_name for d in outer if d.change is Change.ADDED and d.new}
    renamed = {d.old.full_name: d.new.full_name for d in outer if d.change is Change.RENAMED and d.old and d.new}
    found += _compare(
        (_moved(o, renamed) for o in before.objects if o.kind not in CONTAINERS and o.parent not in dropped),
        (o for o in after.objects if o.kind not in CONTAINERS and o.parent not in added),
    )
    return found


def _moved(o: Object, renamed: dict[str, str]) -> Object:
    return o._replace(parent=renamed[o.parent]) if o.parent in renamed else o


def _key(o: Object) -> _Key:
    return (o.kind, o.parent, o.name)


def _compare(before: Iterable[Object], after: Iterable[Object]) -> list[Difference]:
    old = {_key(o): o for o in before}
    new = {_key(o): o for o in after}
    found = [Difference(Change.ALTERED, old[k], new[k]) for k in old.keys() & new.keys() if old[k].traits != new[k].traits]
    gone = {k: old[k] for k in old.keys() - new.keys()}
    come = {k: new[k] for k in new.keys() - old.keys()}
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


def _same_identity(o: Object) -> object:
    return (o.kind, o.identity) if o.identity else None


def _same_content(o: Object) -> object:
    return (o.kind, o.parent, o.traits) if o.kind in ("index", "constraint") else None
