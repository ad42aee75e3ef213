"""What is called what before and after: the names that are others now, and those that something else bears now."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from tocsin.schema.model import OF_SERVER, Object, Schema, dotted, parts
from tocsin.schema.words import Place

BARE = (
    "schema", "role", "tablespace", "extension", "language", "access method", "foreign data wrapper", "foreign server", "publication",
    "subscription", "event trigger",
)  # fmt: skip
"""Kinds whose names are never within a schema."""

SAID_BY = {
    "OWNER": "role", "TABLESPACE": "tablespace", "USING": "access method", "METHOD": "access method", "WRAPPER": "foreign data wrapper",
    "SERVER": "foreign server", "LANGUAGE": "language", "SCHEMA": "schema",
}  # fmt: skip
"""Of what a word is the name, by the word before it."""

_RELATIONS = ("table", "partition", "view", "materialized view")

_ROUTINES = ("function", "procedure", "aggregate")

_TYPES = (*_RELATIONS, "sequence", "enum", "domain", "type")
"""Kinds of which no two in a schema have one name."""

_LABEL = re.compile(r"'(?:[^']|'')*'")
_PIECE = re.compile(r"\w+")

Renamed = tuple[Object, Object]
"""An object as it was and as it is."""


class Names:
    """The names in two schemas.

    A name has changed hands where one object bore it before and another one bears it now, each known by its number: renamed away,
    renamed to it, or both. What was made again is the same; roles that were are known besides, by `remade`.
    """

    def __init__(self, renamed: Iterable[Renamed], before: Schema, after: Schema) -> None:
        self.pairs = list(renamed)
        self._moves: dict[Place, set[Place]] = {}
        self._relations: dict[Place, Place] = {}
        self._columns: dict[Place, dict[str, str]] = {}
        self._bare: dict[str, dict[str, str]] = {}
        for old, new in self.pairs:
            if old.kind == "column":
                # A part goes by its root's new name already.
                self._columns.setdefault(place_of(old.parent), {})[old.name] = new.name
            elif old.kind in BARE:
                self._bare.setdefault(old.kind, {})[_alone(old)] = _alone(new)
            else:
                self._moves.setdefault(place_of(simple(old)), set()).add(place_of(simple(new)))
            if old.kind in _RELATIONS:
                self._relations[place_of(old.name)] = place_of(new.name)
        self._until_now = {new: old for old, new in self._relations.items()}
        self._order = (_columns_in_order(before), _columns_in_order(after)) if self._columns else ({}, {})
        self.remade = {old.name: (old, new) for old, new in _other_holders(before, after)}
        self.labels = dict(_labels(before, after))
        """By the name that an enum had: the values that are called otherwise now, in quotes."""
        self.taken = _Taken(self.pairs, before, after, self.remade)
        self._of_columns = {name for names in (*self._columns.values(), *self.taken.columns.values()) for name in names}

    def __bool__(self) -> bool:
        return bool(self.pairs or self.taken or self.labels)

    def now(self, place: Place) -> Place:
        """Return what a relation is called now."""
        return self._relations.get(place) or (self._bare.get("schema", {}).get(place[0], place[0]), place[1])

    def until_now(self, place: Place) -> Place:
        """Return what a relation was called."""
        return self._until_now.get(place, place)

    def is_moved(self, old: Place, new: Place) -> bool:
        """Tell whether something has the one name instead of the other. What a schema had is told by itself where it is known."""
        if old in self._moves:
            return new in self._moves[old]
        return bool(old[0]) and (self._bare.get("schema", {}).get(old[0]), old[1]) == new

    def is_schema(self, old: str, new: str) -> bool:
        return self._bare.get("schema", {}).get(old) == new

    def is_bare(self, before: str, old: str, new: str) -> bool:
        """Tell whether a name that stands alone is another one now; the word before it says of what it is the name."""
        return self.alone(SAID_BY.get(before, ""), old) == new != old

    def alone(self, kind: str, name: str) -> str | None:
        """Return what a schema, a role or the like is called now, None where another one took its name and it is gone."""
        found = self._bare.get(kind, {}).get(name)
        return None if found is None and self.taken.bare(kind, name) else found or name

    def column(self, place: Place, name: str) -> str:
        """Return what a column is called now, by the name that its relation has now; "" for one that is gone and its name another's."""
        found = self._columns.get(place, {}).get(name)
        return "" if found is None and name in self.taken.columns.get(place, ()) else found or name

    def may_be_column(self, name: str) -> bool:
        """Tell whether a column that was called so is called otherwise now, or gone with its name another's."""
        return name in self._of_columns

    def was_shown(self, old: str, new: str) -> bool:
        """Tell whether some table's column is called otherwise so."""
        return any(names.get(old) == new for names in self._columns.values())

    def became(self, place: Place) -> str | None:
        """Return what is called otherwise now of what bore a name, None where it is gone."""
        found = min(self._moves.get(place, ()), default=None)
        return None if found is None else dotted(*(name for name in found if name))

    def listed(self, place: Place, later: bool) -> list[str]:
        """Return a table's columns in their order, as they were or as they are."""
        return self._order[later].get(place, [])


class _Taken:
    """The names that changed hands."""

    def __init__(self, renamed: list[Renamed], before: Schema, after: Schema, remade: Container[str]) -> None:
        self.places: set[Place] = set()
        self.routines: set[Place] = set()
        self.columns: dict[Place, set[str]] = {}
        self._bare: set[tuple[str, str]] = set()
        self._staying: set[Place] = set()
        self._known: set[Place] = set()
        moved = [pair for pair in renamed if all(is_numbered(o) for o in pair)]
        for o in (*_borne_by_another(moved, before, after), *(old for old, _ in _others_of_server(before, after))):
            if o.kind == "column":
                self.columns.setdefault(place_of(o.parent), set()).add(o.name)
            elif o.kind == "role" and o.name in remade:
                continue
            elif o.kind in BARE:
                self._bare.add((o.kind, _alone(o)))
            else:
                (self.routines if o.kind in _ROUTINES else self.places).add(place_of(simple(o)))
        self._pieces = self._found_by()
        if self:
            known = {(o.kind, o.identity, o.name) for o in before.objects if not o.parent}
            for o in after.objects:
                if (o.kind, o.identity, o.name) in known:
                    self.learn(o)

    def __bool__(self) -> bool:
        return bool(self.places or self.routines or self.columns or self._bare)

    def learn(self, o: Object) -> None:
        """Take note of what has the name that it had."""
        if not o.parent and o.kind not in BARE:
            place = place_of(simple(o))
            self._known.add(place)
            if o.kind in _ROUTINES:
                self._staying.add(place)

    def place(self, place: Place, *, called: bool) -> bool:
        """Tell whether what is named so in a text is another one than before.

        Of routines that share a name it is not certain which one is meant: as long as one of them is the same, none is told.
        """
        if called and (place in self.routines or place in self._staying):
            return place not in self._staying
        if place in self.routines and place not in self._known:
            return True
        return place in self.places or (self.bare("schema", place[0]) and place not in self._known)

    def bare(self, kind: str, name: str) -> bool:
        return (kind, name) in self._bare

    def are_in(self, texts: Iterable[str | None]) -> bool:
        """Tell whether texts can mention any of them: cheap, and true too often."""
        return any(text is not None and not self._pieces.isdisjoint(pieces(text)) for text in texts)

    def _found_by(self) -> frozenset[str]:
        names = {place[1] for place in (*self.places, *self.routines)} | {name for _, name in self._bare}
        return frozenset(piece for name in names.union(*self.columns.values()) for piece in pieces(name))


def _borne_by_another(moved: list[Renamed], before: Schema, after: Schema) -> Iterator[Object]:
    """Yield what bears or bore a name that had another bearer."""
    wanted = {o.name for pair in moved for o in pair}
    roots = {old.full_name: new.full_name for old, new in moved if not old.parent}
    replaced = set(roots.values()) - roots.keys()  # by what took their names, with all their parts
    had, has = set(), set()
    for o in before.objects:
        if o.name in wanted and (not o.parent or (o.kind == "column" and o.parent not in replaced)):
            had.add(_bearer(o, roots.get(o.parent, o.parent)))
    for o in after.objects:
        if o.name in wanted and (not o.parent or o.kind == "column"):
            has.add(_bearer(o, o.parent))
    for old, new in moved:
        # A part of a renamed root goes by its new name on both sides.
        if _bearer(old, new.parent) in has:
            yield old._replace(parent=new.parent)
        if _bearer(new, new.parent) in had:
            yield new


def _bearer(o: Object, parent: str) -> tuple[str, str, str]:
    return "" if o.kind in _TYPES else "routine" if o.kind in _ROUTINES else o.kind, parent, o.name


def _others_of_server(before: Schema, after: Schema) -> Iterator[Renamed]:
    """Yield what is another thing of the server under the same name."""
    now = {(o.kind, o.name): o for o in after.objects if o.kind in OF_SERVER}
    for o in before.objects:
        found = now.get((o.kind, o.name)) if o.kind in OF_SERVER and is_numbered(o) else None
        if found is not None and found.identity not in (o.identity, None):
            yield o, found


def _other_holders(before: Schema, after: Schema) -> Iterator[Renamed]:
    """Yield the roles that are others under the same name, where nothing is known of the old one any more.

    Only those that have something in the database are known: one that lost it all is not to be told from one that was dropped.
    """
    known = {o.identity for o in after.objects if o.kind == "role"}
    return ((old, new) for old, new in _others_of_server(before, after) if old.kind == "role" and old.identity not in known)


def _labels(before: Schema, after: Schema) -> Iterator[tuple[Place, dict[str, str]]]:
    """Yield the enums of which values have other names now: each is in its place, for none is ever dropped or moved."""
    now = {o.identity: o for o in after.objects if o.kind == "enum" and is_numbered(o)}
    for o in before.objects:
        found = now.get(o.identity) if o.kind == "enum" and is_numbered(o) else None
        if found is not None and found.traits != o.traits:
            old, new = (_LABEL.findall(e.trait("values") or "") for e in (o, found))
            pairs = {a: b for a, b in zip(old, new, strict=False) if a != b}
            if len(old) == len(new) or (len(old) < len(new) and pairs.keys().isdisjoint(new)):  # others may have been appended
                yield place_of(o.name), pairs


def _columns_in_order(schema: Schema) -> dict[Place, list[str]]:
    found: dict[Place, list[tuple[int, str]]] = {}
    for o in schema.objects:
        number = (o.identity or "").rpartition(".")[2].removeprefix("#")
        if o.kind == "column" and number.isdecimal():
            found.setdefault(place_of(o.parent), []).append((int(number), o.name))
    return {place: [name for _, name in sorted(columns)] for place, columns in found.items()}


def place_of(name: str) -> Place:
    *schema, last = parts(name) or [""]
    return ".".join(schema), last


def simple(o: Object) -> str:
    """Return an object's name as texts mention it: without its arguments, and without what tells it from others of its kind."""
    name = o.name.partition("(")[0]
    if o.kind == "text search":
        return name.partition(" ")[2]
    return name.partition(" USING ")[0] if o.kind in ("operator class", "operator family") else name


def _alone(o: Object) -> str:
    return parts(o.name)[-1] if o.kind == "schema" else o.name


def own_names(o: Object) -> list[str]:
    return [o.name] if o.kind == "column" or o.kind in BARE else parts(simple(o))


def is_numbered(o: Object) -> bool:
    """Tell whether the engine knows the object by a number that it keeps whatever its name."""
    return o.identity is not None and not o.identity.startswith("#")


def pieces(text: str) -> list[str]:
    """Return the pieces of words that a text, or a name, consists of; of one that has none, itself."""
    return _PIECE.findall(text) or [text]
