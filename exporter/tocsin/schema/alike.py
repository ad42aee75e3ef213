"""Roots to which the engine gives no number: which of those that went is which of those that came, by what they consist of."""

from __future__ import annotations

import re
from collections import Counter

from tocsin.schema.model import Object, Schema, by_root

_LEAST = 6
"""How many things of two tables must be the same, where not all are, for them to be taken for one: columns, and twice each of those
whose name no two tables of a database can use. Fewer are found in tables that have nothing to do with each other: a key, a name and the
times when a row was made and changed are in every second one."""

_LEAST_OF_ALL = 2
"""The same where all are the same."""

_ONE_OF_A_NAME = {"sqlite": ("index", "trigger"), "duckdb": ("index",), "mariadb": ("trigger",), "mysql": ("trigger",)}

_MOST_PAIRS = 2_500
"""Where more tables than that could be each other nothing is guessed."""

_Pair = tuple[Object, Object]


def same_roots(gone: list[Object], come: list[Object], before: Schema, after: Schema) -> tuple[list[_Pair], list[_Pair]]:
    """Return the pairs that have all in common but their names, and those that have all but one thing in common.

    Where several could be meant none is.
    """
    old, new = by_root(before.objects), by_root(after.objects)
    names = _ONE_OF_A_NAME.get(before.server.partition(" ")[0], ())
    alike = _equal(gone, come, old, new, names)
    known = {o for pair in alike for o in pair}
    left, right = ([o for o in side if o.kind == "table" and o not in known] for side in (gone, come))
    pairs = [(a, b) for a in left for b in right] if len(left) * len(right) <= _MOST_PAIRS else []
    nearly = [(a, b) for a, b in pairs if _is_nearly_equal(a, old[a.full_name], b, new[b.full_name], names)]
    times = Counter(o for pair in nearly for o in pair)
    return alike, [(a, b) for a, b in nearly if times[a] == times[b] == 1]


def _equal(
    gone: list[Object], come: list[Object], old: dict[str, list[Object]], new: dict[str, list[Object]], names: tuple[str, ...]
) -> list[_Pair]:
    contents: dict[object, tuple[list[Object], list[Object]]] = {}
    for side, objects, groups in ((0, gone, old), (1, come, new)):
        for o in objects:
            content = _content(o, groups[o.full_name], names)
            if content is not None:
                contents.setdefault(content, ([], []))[side].append(o)
    return [(a[0], b[0]) for a, b in contents.values() if len(a) == 1 and len(b) == 1]


def _content(root: Object, group: list[Object], names: tuple[str, ...]) -> object:
    """Return all that a root is but its name, None where that says too little to know it again."""
    if root.kind == "table" and _weight(sum(o.kind == "column" for o in group), _unique(group, names)) < _LEAST_OF_ALL:
        return None
    parts = frozenset(_part(o, root) for o in group if o.parent)
    own = _nameless(root, root)
    return (root.kind, own, parts) if parts or (root.kind != "table" and any(own)) else None


def _is_nearly_equal(old: Object, before: list[Object], new: Object, after: list[Object], names: tuple[str, ...]) -> bool:
    """Tell whether all is the same but one thing, which is there only once, or says something else; and that that is enough."""
    was, has = (Counter(_part(o, root) for o in group if o.parent) for root, group in ((old, before), (new, after)))
    same, gone, come = was & has, was - has, has - was
    if max(gone.total(), come.total()) + (_nameless(old, old) != _nameless(new, new)) > 1:
        return False
    columns = sum(n for (kind, _, _), n in same.items() if kind == "column")
    return _weight(columns, _unique(before, names) & _unique(after, names)) >= _LEAST


def _unique(group: list[Object], names: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return what has a name that nothing of another table can have."""
    return {(o.kind, o.name) for o in group if o.kind in names and not o.generated}


def _weight(columns: int, unique: set[tuple[str, str]]) -> int:
    return columns + 2 * len(unique)


def _part(o: Object, root: Object) -> tuple[str, str, tuple[str | None, ...]]:
    return o.kind, "" if o.generated else o.name, _nameless(o, root)


def _nameless(o: Object, root: Object) -> tuple[str | None, ...]:
    """Return the traits with the root's own name taken out of their texts."""
    word = re.compile(rf'(?<!\w)["`]?{re.escape(root.name)}["`]?(?!\w)')
    return tuple(t and word.sub("?", t) for t in o.traits)
