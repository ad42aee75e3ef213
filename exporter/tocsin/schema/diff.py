"""What changed between two schemas: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.event import Change
from tocsin.schema.model import ATTACHED, TRAITS, Object, Schema, by_root

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
    """Return every change from one schema to the other, roots first, then by name.

    Parts of an added or dropped object, and what is attached to it, are not listed one by one. A rename is told by
    the engine's identity where it has one, else by content; a renamed object's parts have not changed, and neither
    has what only mentions the new name now. A table that became a partition is neither dropped nor added.
    """
    gone, come = _partitions(after), _partitions(before)
    roots = _compare(
        [o for o in before.objects if _is_root(o) and o.identity not in gone],
        [o for o in after.objects if _is_root(o) and o.identity not in come],
    )
    roots = _renamed_by_content(roots, before, after)
    silent = _names(o for s, mark in ((before, gone), (after, come)) for o in s.objects if _is_root(o) and o.identity in mark)
    standing = _standing(before, after)
    dropped = (silent | _names(d.old for d in roots if d.change is Change.DROPPED)) - standing
    added = (silent | _names(d.new for d in roots if d.change is Change.ADDED)) - standing
    renamed = {old: new for d in roots if d.change is Change.RENAMED for old, new in zip(_called(d.old), _called(d.new), strict=True)}
    renamed = {old: new for old, new in renamed.items() if old not in standing}
    parts = _compare(
        [_moved(o, renamed) for o in before.objects if _is_part(o) and o.parent not in dropped],
        [o for o in after.objects if _is_part(o) and (o.parent not in added or _opens_to_everybody(o))],
    )
    words = _renamed_words(roots + parts)
    return [d for d in roots + _told(parts) if not _only_follows(d, words)]


def _partitions(schema: Schema) -> set[str | None]:
    return {o.identity for o in schema.objects if o.kind == "partition" and o.identity}


def _is_root(o: Object) -> bool:
    return not o.parent and o.kind != "partition"


def _standing(before: Schema, after: Schema) -> set[str]:
    """Return the names of roots that are there before and after: a table, say, beside a routine of its name that came or went."""
    old, new = ({(o.kind, o.full_name) for o in s.objects if _is_root(o)} for s in (before, after))
    return {name for _, name in old & new}


def _is_part(o: Object) -> bool:
    return bool(o.parent)


def _called(o: Object | None) -> tuple[str, str]:
    """Return the names by which parts may know their root: its full name, and that with the kind before it."""
    assert o is not None
    return o.full_name, f"{o.kind} {o.full_name}"


def _names(objects: Iterable[Object | None]) -> set[str]:
    return {name for o in objects for name in _called(o)}


def _opens_to_everybody(o: Object) -> bool:
    """Tell whether it is a grant to everybody: worth telling even of an object that is new itself."""
    return o.kind == "grant" and "PUBLIC=" in (o.traits[0] or "")


def _told(parts: list[Difference]) -> list[Difference]:
    """Leave out what is attached to parts that came, went or were renamed themselves: it came and went with them."""
    followed: dict[Change, set[tuple[str, str]]] = {Change.ADDED: set(), Change.DROPPED: set()}
    for d in parts:
        if d.subject.kind not in ATTACHED:
            for change, o in ((Change.DROPPED, d.old), (Change.ADDED, d.new)):
                if o is not None and d.change in (change, Change.RENAMED):
                    followed[change] |= {(o.parent, o.name), (o.parent, f"{o.kind} {o.name}")}
    return [d for d in parts if d.subject.kind not in ATTACHED or (d.subject.parent, d.subject.name) not in followed.get(d.change, ())]


def _renamed_by_content(roots: list[Difference], before: Schema, after: Schema) -> list[Difference]:
    """Tell renames of roots to which the engine gives no identity: one that went and one that came with the same content."""
    gone = [d.old for d in roots if d.change is Change.DROPPED and d.old and not _is_numbered(d.old)]
    come = [d.new for d in roots if d.change is Change.ADDED and d.new and not _is_numbered(d.new)]
    if not gone or not come:
        return roots
    old, new = by_root(before.objects), by_root(after.objects)
    contents: dict[object, tuple[list[Object], list[Object]]] = {}
    for side, objects, groups in ((0, gone, old), (1, come, new)):
        for o in objects:
            content = _content(o, groups[o.full_name])
            if content is not None:
                contents.setdefault(content, ([], []))[side].append(o)
    pairs = [(a[0], b[0]) for a, b in contents.values() if len(a) == 1 and len(b) == 1]
    known = {o for pair in pairs for o in pair}
    rest = [d for d in roots if not (d.change in (Change.DROPPED, Change.ADDED) and d.subject in known)]
    return _sorted(rest + [Difference(Change.RENAMED, a, b) for a, b in pairs])


def _is_numbered(o: Object) -> bool:
    """Tell whether the engine knows the object by a number that it keeps whatever its name."""
    return o.identity is not None and not o.identity.startswith("#")


def _content(root: Object, group: list[Object]) -> object:
    """Return all that a root is but its name, None where that says too little to know it again."""
    parts = frozenset((o.kind, "" if o.generated else o.name, _nameless(o, root)) for o in group if o.parent)
    own = _nameless(root, root)
    return (root.kind, own, parts) if parts or (root.kind != "table" and any(own)) else None


def _nameless(o: Object, root: Object) -> tuple[str | None, ...]:
    """Return the traits with the root's own name taken out of their texts."""
    word = re.compile(rf'(?<!\w)["`]?{re.escape(root.name)}["`]?(?!\w)')
    return tuple(t and word.sub("?", t) for t in o.traits)


def _renamed_words(differences: list[Difference]) -> set[tuple[str, str]]:
    """Return old and new words of every renamed object that others may name in their texts."""
    found: set[tuple[str, str]] = set()
    for d in differences:
        if d.change is Change.RENAMED and d.old and d.new and (_is_root(d.old) or d.old.kind == "column"):
            found.add((d.old.name, d.new.name))
            old, new = _words(d.old.name), _words(d.new.name)
            if len(old) == len(new):
                found.update((a, b) for a, b in zip(old, new, strict=True) if a != b)
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
    """Give a part of a renamed root the root's new name."""
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
    return _sorted(found)


def _sorted(found: list[Difference]) -> list[Difference]:
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
    return (o.kind, o.parent, o.identity, None if _is_numbered(o) else o.traits) if o.identity else None


def _same_content(o: Object) -> object:
    return (o.kind, o.parent, o.traits) if o.parent and "definition" in TRAITS[o.kind] else None
