"""Which object of one schema is which of another: by identity, by name, by content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from tocsin.event import Change
from tocsin.schema.difference import Content, Difference
from tocsin.schema.model import TRAITS, Object
from tocsin.schema.names import is_numbered

_Key: TypeAlias = tuple[str, str, str]


def _key(o: Object) -> _Key:
    return (o.kind, o.parent, o.name)


def compare(before: Iterable[Object], after: Iterable[Object], same: list[tuple[Object, Object]], *, folds: bool) -> list[Difference]:
    """Compare what is known by identity first, then by name, then by what is left of it under another name.

    What reads as before goes to `same`, as it was and as it is.
    """
    old = {_key(o): o for o in before}
    new = {_key(o): o for o in after}
    gone = {k: o for k, o in old.items() if k not in new or not _is_as_it_was(o, new[k])}
    come = {k: o for k, o in new.items() if k not in old or not _is_as_it_was(old[k], o)}
    same += [(o, new[k]) for k, o in old.items() if k not in gone]
    same += _pairs(gone, come, _same_behind_made_up_name)  # they are equal: their names mean nothing
    known = _pairs(gone, come, _same_number)
    same += _pairs(gone, come, _same_name_and_content)  # made again as it was
    known += [(gone.pop(k), come.pop(k)) for k in gone.keys() & come.keys()]
    respelled = _pairs(gone, come, _same_but_for_case) if folds else []
    found = []
    in_place = _pairs(gone, come, _same_position)
    unnumbered = set(in_place)
    for a, b in known + respelled + in_place + _pairs(gone, come, _same_content):
        if _key(a) != _key(b) and not (a.generated and b.generated):
            concluded = Content.ALL if (a, b) in unnumbered else None
            found.append(Difference(Change.RENAMED, a, b, respelled=(a, b) in respelled, concluded=concluded))
        if a.traits != b.traits:
            found.append(Difference(Change.ALTERED, a, b))
        else:
            same.append((a, b))
    found += [Difference(Change.DROPPED, o, None) for o in gone.values()]
    found += [Difference(Change.ADDED, None, o) for o in come.values()]
    return in_order(found)


def _is_as_it_was(old: Object, new: Object) -> bool:
    """Tell whether nothing is to be said of what bears one name. Another number counts only where there is more behind it than traits."""
    is_another = old.identity != new.identity and is_numbered(old) and is_numbered(new)
    return old.traits == new.traits and not (is_another and (not old.parent or old.kind == "column"))


def in_order(found: list[Difference]) -> list[Difference]:
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


def _same_but_for_case(o: Object) -> object:
    return (o.kind, o.parent, o.name.lower())


def _same_number(o: Object) -> object:
    return (o.kind, o.parent, o.identity) if is_numbered(o) else None


def _same_name_and_content(o: Object) -> object:
    return (_key(o), o.traits)


def _same_position(o: Object) -> object:
    return (o.kind, o.parent, o.identity, o.traits) if o.identity and not is_numbered(o) else None


def _same_content(o: Object) -> object:
    return (o.kind, o.parent, o.traits) if o.parent and "definition" in TRAITS[o.kind] else None


def called(o: Object | None) -> tuple[str, str]:
    """Return the names by which parts may know their root: its full name, and that with the kind before it."""
    assert o is not None
    return o.full_name, f"{o.kind} {o.full_name}"


def names_of(objects: Iterable[Object | None]) -> set[str]:
    return {name for o in objects for name in called(o)}
