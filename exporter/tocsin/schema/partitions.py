"""Partitions: which of them are compared, and what is said of one that is said of its table already."""

from __future__ import annotations

from dataclasses import replace

from tocsin.event import Change
from tocsin.schema.difference import Difference
from tocsin.schema.model import Object, Schema, rotates
from tocsin.schema.names import Names, place_of
from tocsin.schema.pairing import names_of

_RIGHTS = ("owner", "grant")


def roots(schema: Schema, other: Schema) -> tuple[list[Object], list[Object]]:
    """Return the roots that are compared, and apart, as partitions of nothing, the tables that are partitions on the other side.

    Of the partitions that rotate those are compared that the other side knows, too.
    """
    partitions = {o.identity for o in other.objects if o.kind == "partition" and o.identity}
    known = partitions | {o.identity for o in other.objects if o.kind == "table" and o.identity}
    found, tables = list[Object](), list[Object]()
    for o in schema.objects:
        if o.kind == "table" and o.identity in partitions:
            security = o.trait("row_security")
            tables.append(Object("partition", "", o.name, (None, None, None if security == "off" else security), o.identity))
        elif not o.parent and (o.identity in known or not rotates(o)):
            found.append(o)
    return found, tables


class Turned:
    """The tables that became partitions, and the partitions that became tables.

    Of a partition only those rights are known that its table does not give; it has those of the table's, too, which it has
    where it is a table itself.
    """

    def __init__(self, before: Schema, after: Schema) -> None:
        sides = [{o.identity: o for o in side.objects if o.kind in ("table", "partition") and o.identity} for side in (before, after)]
        self._pairs = [(o, sides[1][id]) for id, o in sides[0].items() if id in sides[1] and sides[1][id].kind != o.kind]
        self._rights = [_rights(side) if self._pairs else {} for side in (before, after)]
        self.names = [names_of(pair[side] for pair in self._pairs) for side in (0, 1)]
        """By which their parts know them, before and after."""

    def rights(self) -> tuple[list[Object], list[Object]]:
        """Return owners and rights as they were and as they are, under the names of now, where those of the partition's table are known."""
        found: tuple[list[Object], list[Object]] = ([], [])
        for pair in self._pairs:
            side = pair[1].kind == "partition"
            partition, table = self._rights[side], self._rights[not side].get(pair[not side].full_name, {})
            of = partition.get(pair[side].trait("of") or "")
            if of is not None:
                own = partition.get(pair[side].full_name, {})
                lines = _lines(own.get("grant")) | (_lines(of.get("grant")) & _lines(table.get("grant")))
                rights = {"owner": own.get("owner", of.get("owner")), "grant": "; ".join(sorted(lines))}
                for one, told in ((side, rights), (not side, table)):
                    found[one].extend(Object(kind, pair[1].full_name, "", (text,)) for kind, text in told.items() if text)
        return found


def _rights(schema: Schema) -> dict[str, dict[str, str | None]]:
    """Return owner and rights of tables and partitions, by name; of what has none, nothing."""
    found: dict[str, dict[str, str | None]] = {o.full_name: {} for o in schema.objects if o.kind in ("table", "partition")}
    for o in schema.objects:
        if o.kind in _RIGHTS and not o.name and o.parent in found:
            found[o.parent][o.kind] = o.traits[0]
    return found


def _lines(granted: str | None) -> set[str]:
    return set((granted or "").split("; ")) - {""}


def without_the_tables(told: list[Difference], before: Schema, after: Schema) -> list[Difference]:
    """Leave out of partitions what befell their table: that it came or went, or that its owner or its rights are others."""
    of = {o.full_name: o.trait("of") for o in (*before.objects, *after.objects) if o.kind == "partition"}
    if not of:
        return told
    whole = {(d.change, d.subject.full_name) for d in told if not d.subject.parent}
    rights = {(d.subject.kind, d.subject.parent): d for d in told if d.subject.kind in _RIGHTS and not d.subject.name}

    def is_the_tables(d: Difference) -> bool:
        if d.subject.kind == "partition":
            return d.change in (Change.ADDED, Change.DROPPED) and (d.change, d.subject.trait("of")) in whole
        tables = rights.get((d.subject.kind, of.get(d.subject.parent) or ""))
        return d.subject.kind in _RIGHTS and tables is not None and _only_mirrors(d, tables)

    return [d for d in told if not is_the_tables(d)]


def _only_mirrors(d: Difference, tables: Difference) -> bool:
    """Tell whether a partition's owner or rights differ from its table's only in that those are others now."""
    if d.subject.kind == "owner":
        before, now = d.old or tables.old, d.new or tables.new
        return before is not None and now is not None and before.traits == now.traits
    old, new, old_tables, new_tables = (_lines(o and o.traits[0]) for o in (d.old, d.new, tables.old, tables.new))
    return new - old <= old_tables and old - new <= new_tables


def of_the_same(d: Difference, names: Names) -> Difference:
    """Say nothing of another name of the table that a partition belongs to."""
    if d.change is not Change.ALTERED or d.old is None or d.new is None or d.new.kind != "partition":
        return d
    old, new = d.old.trait("of"), d.new.trait("of")
    if old is None or new is None or names.now(place_of(old)) != place_of(new):
        return d
    return replace(d, old=d.old._replace(traits=(new, *d.old.traits[1:])))
