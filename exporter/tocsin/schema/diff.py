"""What changed between two schemas: values in, values out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from tocsin.event import Change
from tocsin.schema import defaults, follow, partitions
from tocsin.schema.alike import same_roots
from tocsin.schema.difference import Content, Difference
from tocsin.schema.model import ATTACHED, OF_SERVER, Object, Schema, rotates, unveiled
from tocsin.schema.names import Renamed, is_numbered
from tocsin.schema.pairing import called, compare, in_order, names_of


def diff(before: Schema, after: Schema, rest: Callable[[], Iterable[Object]] = tuple) -> list[Difference]:
    """Return every change from one schema to the other, roots first, then by name.

    Parts of an added or dropped object, and what is attached to it, are not listed one by one. A rename is told by
    the engine's identity where it has one, else by content; a renamed object's parts have not changed, and neither
    has what is in a renamed schema, or what only mentions the new name now. Two that change places are two renames. Only what
    no identity leads to is compared under its name, such as a table that was made again. A table that became a partition is
    neither dropped nor added but altered, and partitions that rotate are told neither when they come nor when they go.

    What reads as before and mentions a name that another thing bears now is altered; where that is a role of which nothing else
    is known any more, the role itself is.

    `rest` gives what is in neither schema because it reads as before: it is asked for only where a name changed hands.
    """
    before, after = (replace(a, objects=tuple(unveiled(a.objects, b.objects))) for a, b in ((before, after), (after, before)))
    folds = before.folds_names and after.folds_names
    old_roots, old_tables = partitions.roots(before, after)
    new_roots, new_tables = partitions.roots(after, before)
    same: list[Renamed] = []
    roots = compare(old_roots + old_tables, new_roots + new_tables, same, folds=folds)
    roots = _renamed_by_content(roots, before, after)
    dropped, renamed = _left(roots, before, old_roots)
    added = _come(roots, after, new_roots)
    turned = partitions.Turned(before, after)
    dropped, added = dropped | turned.names[0], added | turned.names[1]
    old = [_moved(o, renamed) for o in before.objects if _is_part(o) and o.parent not in dropped]
    known = {o for o in before.objects if _opens_to_everybody(o)} | {o for o in after.objects if o.parent in turned.names[1]}
    new = [o for o in after.objects if _is_part(o) and (o.parent not in added or (_opens_to_everybody(o) and o not in known))]
    rights_before, rights_now = turned.rights()
    old, new = old + rights_before, new + rights_now
    parts = compare((o for o in old if o.kind not in ATTACHED), (o for o in new if o.kind not in ATTACHED), same, folds=folds)
    parts = in_order(parts + compare(*_attached(old, new, parts), same, folds=folds))
    columns = _renamed(d for d in parts if d.subject.kind == "column")
    words = follow.Renames(_renamed(roots) + columns, before, after)
    others = _meant_otherwise(same, after, rest, words)
    told = partitions.without_the_tables(_without_followers(roots, parts, words), before, after)
    return [defaults.told(d) for d in _put_together(_with_keys_that_stay(told), others)]


def _put_together(told: list[Difference], others: list[Difference]) -> list[Difference]:
    """Put what reads as before to the rest: roots first, as there."""
    if not others:
        return told
    both = in_order(told + others)
    return [d for d in both if not d.subject.parent] + [d for d in both if d.subject.parent]


def _meant_otherwise(same: list[Renamed], after: Schema, rest: Callable[[], Iterable[Object]], words: follow.Renames) -> list[Difference]:
    """Tell what reads as before, and was made again for what bears a name now that it mentions."""
    taken, remade = words.names.taken, words.names.remade
    if not taken and not remade:
        return []
    suspects = [pair for pair in same if words.may_mention_others(pair[1])]
    mentions = Counter(role for o in after.objects for role in follow.roles_of(o))
    for o in rest():
        mentions.update(follow.roles_of(o))
        taken.learn(o)
        if words.may_mention_others(o):
            suspects.append((o, o))
    found = ((a, b, words.others(a, b)) for a, b in suspects)
    roles = [Difference(Change.ALTERED, *pair, objects=mentions[name]) for name, pair in remade.items() if mentions[name]]
    return roles + [Difference(Change.ALTERED, a, b, others=others) for a, b, others in found if others]


def _left(roots: list[Difference], before: Schema, compared: list[Object]) -> tuple[set[str], dict[str, str]]:
    """Return by what names parts know the roots that are no more, and by what names those that are called otherwise now.

    A table may share its name with a routine: that of one that stays leads to it alone.
    """
    gone = {d.old for d in roots if d.change is Change.DROPPED}
    moved = {d.old: d.new for d in roots if d.change is Change.RENAMED}
    kept = {o for o in compared if o not in gone}
    stayed = names_of(kept - moved.keys())
    renamed = {old: new for a, b in moved.items() for old, new in zip(called(a), called(b), strict=True)}
    dropped = names_of(o for o in before.objects if not o.parent and o not in kept) - names_of(kept)
    return dropped, {old: new for old, new in renamed.items() if old not in stayed}


def _come(roots: list[Difference], after: Schema, compared: list[Object]) -> set[str]:
    """Return by what names parts know the roots that are new, and that no other root bears."""
    added = {d.new for d in roots if d.change is Change.ADDED}
    kept = {o for o in compared if o not in added}
    return names_of(o for o in after.objects if not o.parent and o not in kept) - names_of(kept)


def _attached(old: list[Object], new: list[Object], parts: list[Difference]) -> tuple[list[Object], list[Object]]:
    """Return what is attached to roots and to parts that are there before and after, by the names of those now.

    What is attached to a part that came or went itself came and went with it.
    """
    names = {_place(d.old): _place(d.new)[1] for d in parts if d.change is Change.RENAMED and d.old and d.new}
    dropped = {_place(d.old) for d in parts if d.change is Change.DROPPED and d.old}
    added = {_place(d.new) for d in parts if d.change is Change.ADDED and d.new}
    before = [o for o in old if o.kind in ATTACHED and (o.parent, o.name) not in dropped]
    return (
        [o._replace(name=names.get((o.parent, o.name), o.name)) for o in before],
        [o for o in new if o.kind in ATTACHED and (o.parent, o.name) not in added],
    )


def _place(part: Object) -> tuple[str, str]:
    """Return by what root and name something is attached to a part."""
    return part.parent, part.name if part.kind == "column" else f"{part.kind} {part.name}"


def _without_followers(roots: list[Difference], parts: list[Difference], words: follow.Renames) -> list[Difference]:
    """Leave out what has another name or other words only because something that it is in, or mentions, was renamed."""
    with_another = follow.followers(_renamed(roots))
    told, untold = list[Difference](), list[Difference]()
    for d in roots + _without_made_up(parts, words):
        (untold if _follows(d, with_another, words) else told).append(d)
    told = [d for d in told if d.subject.kind not in OF_SERVER or d.change is Change.RENAMED]
    return [_counted(_with_others(partitions.of_the_same(d, words.names), words), with_another, untold) for d in told]


def _with_others(d: Difference, words: follow.Renames) -> Difference:
    """Say of an altered object which names in it are those of other things now."""
    if d.change is not Change.ALTERED or d.old is None or d.new is None:
        return d
    return replace(d, others=words.others(d.old, d.new))


def _without_made_up(parts: list[Difference], words: follow.Renames) -> list[Difference]:
    """Leave out what went and came because its name is made up from names, of which one is another now."""
    come: dict[tuple[str, str], list[Difference]] = {}
    for d in parts:
        if d.change is Change.ADDED and d.subject.generated and words.names.pairs:
            come.setdefault((d.subject.kind, d.subject.parent), []).append(d)
    left_out: set[int] = set()
    for d in parts:
        others = come.get((d.subject.kind, d.subject.parent), []) if d.change is Change.DROPPED and d.subject.generated else []
        found = next((other for other in others if words.explain(d.subject, other.subject)), None)
        if found is not None:
            others.remove(found)
            left_out |= {id(d), id(found)}
    return [d for d in parts if id(d) not in left_out]


def _follows(d: Difference, with_another: set[Renamed], words: follow.Renames) -> bool:
    if d.change is Change.RENAMED and d.old is not None and d.new is not None:
        if rotates(d.old) and rotates(d.new):
            return True
        return (d.old, d.new) in with_another or follow.is_called_from_elsewhere(d.old, d.new)
    return d.change is Change.ALTERED and d.old is not None and d.new is not None and words.explain(d.old, d.new)


def _renamed(differences: Iterable[Difference]) -> list[Renamed]:
    return [(d.old, d.new) for d in differences if d.change is Change.RENAMED and d.old is not None and d.new is not None]


def _counted(d: Difference, with_another: set[Renamed], untold: list[Difference]) -> Difference:
    """Say of a renamed schema how many objects are in it, and of a role how many belong to it or name it."""
    if d.change is not Change.RENAMED or d.old is None:
        return d
    if d.old.kind == "schema":
        return replace(d, objects=follow.members(d.old.name, with_another))
    if d.old.kind == "role":
        return replace(d, objects=sum(u.subject.kind in follow.OF_ROLES for u in untold))
    return d


def _is_part(o: Object) -> bool:
    return bool(o.parent)


def _with_keys_that_stay(told: list[Difference]) -> list[Difference]:
    """Mark indexes and constraints that come or go for one another: what they refuse is refused before and after."""
    keys: dict[tuple[str, str, Change], set[str]] = {}
    for d in told:
        if (key := _unique_key(d)) is not None:
            keys.setdefault((d.subject.parent, key, d.change), set()).add(d.subject.kind)

    def stands_in(d: Difference) -> bool:
        key = _unique_key(d)
        if key is None:
            return False
        opposite = Change.ADDED if d.change is Change.DROPPED else Change.DROPPED
        return bool(keys.get((d.subject.parent, key, opposite), set()) - {d.subject.kind})

    return [replace(d, stands_in=True) if stands_in(d) else d for d in told]


_KEY = re.compile(r"(?:UNIQUE|PRIMARY KEY|CREATE UNIQUE INDEX ON .*? USING btree) (\(.*)", re.DOTALL)


def _unique_key(d: Difference) -> str | None:
    """Return the columns in which an index or a constraint that came or went refuses duplicates, None where it is no such."""
    o = d.subject
    if d.change not in (Change.ADDED, Change.DROPPED) or o.kind not in ("index", "constraint") or o.traits[-1] != "yes":
        return None
    found = _KEY.fullmatch(o.trait("definition") or "")
    return found and found[1]


def _opens_to_everybody(o: Object) -> bool:
    """Tell whether it is a grant to everybody: worth telling even of an object that is new itself."""
    return o.kind == "grant" and "PUBLIC=" in (o.traits[0] or "")


def _renamed_by_content(roots: list[Difference], before: Schema, after: Schema) -> list[Difference]:
    """Tell renames of roots to which the engine gives no identity: one that went and one that came with the same content."""
    gone = [d.old for d in roots if d.change is Change.DROPPED and d.old and not is_numbered(d.old)]
    come = [d.new for d in roots if d.change is Change.ADDED and d.new and not is_numbered(d.new)]
    if not gone or not come:
        return roots
    alike, nearly = same_roots(gone, come, before, after)
    known = {o for pair in alike + nearly for o in pair}
    rest = [d for d in roots if not (d.change in (Change.DROPPED, Change.ADDED) and d.subject in known)]
    found = [Difference(Change.RENAMED, a, b, concluded=Content.ALL) for a, b in alike]
    found += [Difference(Change.RENAMED, a, b, concluded=Content.NEARLY_ALL) for a, b in nearly]
    # What differs in the root itself is told as well.
    found += [Difference(Change.ALTERED, a, b) for a, b in nearly if a.traits != b.traits]
    return in_order(rest + found)


def _moved(o: Object, renamed: dict[str, str]) -> Object:
    """Give a part of a renamed root the root's new name."""
    return o._replace(parent=renamed[o.parent]) if o.parent in renamed else o
