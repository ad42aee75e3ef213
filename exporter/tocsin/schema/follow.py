"""What only follows a rename: objects that are named after others, and texts that name them, written out by the engine in new words.

An engine that keeps definitions by number says them in the names of the day. So whatever else a rename makes it say in
another way is no change: a column alias that has to stand there now or no longer, an alias that tells two tables of one
name apart, a list in another order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tocsin.schema.model import TRAITS, Object, Schema, part, parts
from tocsin.schema.words import Entry, Place, Splitter, Words

_ROW_TYPES = ("enum", "domain", "type", "table", "view", "materialized view")
"""Kinds whose names are names of types, which routines and operators bear in their own."""

_NAMELESS = ("cast", "transform", "user mapping", "default privileges")
"""Kinds that have no name of their own: they are called after what they are about."""

OF_ROLES = ("owner", "grant", "policy", "default privileges", "user mapping")
"""Kinds that name roles."""

_LISTS = {"privileges": "; ", "tables": ", ", "roles": ", "}
"""Traits that are lists in the order of their names."""

_BARE = (
    "schema", "role", "tablespace", "extension", "language", "access method", "foreign data wrapper", "foreign server", "publication",
    "subscription", "event trigger",
)  # fmt: skip
"""Kinds whose names are never within a schema."""

_SAID_BY = {
    "OWNER": "role", "TABLESPACE": "tablespace", "USING": "access method", "METHOD": "access method", "WRAPPER": "foreign data wrapper",
    "SERVER": "foreign server", "LANGUAGE": "language", "SCHEMA": "schema",
}  # fmt: skip
"""Of what a word is the name, by the word before it."""

_REGISTERED = {"regrole": "OWNER", "regnamespace": "SCHEMA"}
"""Types of constants that are names without a schema."""

_RELATIONS = ("table", "view", "materialized view")

_AS_WRITTEN = {("comment", "text"), ("enum", "values"), ("extension", "version")}
"""What PostgreSQL, which keeps all but texts by number, never writes anew."""

_WRITTEN_ANEW: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {
        "index": ("definition",), "constraint": ("definition",), "trigger": ("definition",), "view": ("definition", "columns"),
        "column": ("generated",),
    },
    "duckdb": {"index": ("definition",), "constraint": ("definition",), "column": ("generated",)},
    "mariadb": {"index": ("definition",), "constraint": ("definition",), "table": ("form",), "column": ("default", "generated")},
    "mysql": {"index": ("definition",), "constraint foreign key": ("definition",)},
}  # fmt: skip
"""What other engines write anew: views and programs keep the words in which they were written, but SQLite changes those too."""

Renamed = tuple[Object, Object]
"""An object as it was and as it is."""


def followers(renamed: list[Renamed]) -> set[Renamed]:
    """Return those that have another name only because what they are in, or what their name mentions, has one."""
    schemas = {old.name: new.name for old, new in renamed if old.kind == "schema"}
    types = {old.name: new.name for old, new in renamed if old.kind in _ROW_TYPES}
    within = _Substitution({f"{_quoted(a)}.": f"{_quoted(b)}." for a, b in schemas.items()})
    heads = _Substitution({f"{a}.": f"{b}." for a, b in schemas.items()})
    mentioned = _Substitution({_qualified(a): _qualified(b) for a, b in types.items()} | within.words)

    def followed(name: str) -> str:
        head, parenthesis, tail = name.partition("(")
        return heads.of(head) + parenthesis + mentioned.of(tail)

    return {(old, new) for old, new in renamed if old.kind in _NAMELESS or (old.name != new.name and new.name == followed(old.name))}


def is_called_from_elsewhere(old: Object, new: Object) -> bool:
    """Tell whether a part bears its schema in its name, or no longer, because that of its root is another one now."""
    return old.kind == "statistics" and (old.name.endswith(f".{new.name}") or new.name.endswith(f".{old.name}"))


def members(name: str, renamed: Iterable[Renamed]) -> int:
    """Count the objects in a schema, by its old name."""
    return sum(re.match(rf"(configuration |dictionary |parser |template )?{re.escape(name)}\.", old.name) is not None for old, _ in renamed)


class _Substitution:
    """Replaces names in one go, so that two that change places come out right."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        longest_first = sorted(map(re.escape, words), key=len, reverse=True)
        self._pattern = re.compile(rf'(?<![\w".])(?:{"|".join(longest_first)})(?!(?<=\w)[\w".])') if words else None

    def of(self, text: str) -> str:
        return self._pattern.sub(lambda match: self.words[match[0]], text) if self._pattern else text


def _quoted(name: str) -> str:
    return name if re.fullmatch(r'[a-z_][a-z0-9_$]*|".*"', name) else '"' + name.replace('"', '""') + '"'


def _qualified(name: str) -> str:
    return ".".join(_quoted(part(word)) for word in parts(name))


class Renames:
    """The names that changed between two schemas, and what of the texts the engine writes anew for that."""

    def __init__(self, renamed: Iterable[Renamed], before: Schema, after: Schema) -> None:
        self.pairs = list(renamed)
        self._engine = before.server.partition(" ")[0]
        self._moves: dict[Place, set[Place]] = {}
        self._relations: dict[Place, Place] = {}
        self._columns: dict[Place, dict[str, str]] = {}
        self._bare: dict[str, dict[str, str]] = {}
        for old, new in self.pairs:
            if old.kind == "column":
                # A part goes by its root's new name already.
                self._columns.setdefault(_place(old.parent), {})[old.name] = new.name
            elif old.kind in _BARE:
                self._bare.setdefault(old.kind, {})[old.name] = new.name
            else:
                self._moves.setdefault(_place(_simple(old)), set()).add(_place(_simple(new)))
            if old.kind in _RELATIONS:
                self._relations[_place(old.name)] = _place(new.name)
        self._until_now = {new: old for old, new in self._relations.items()}
        self._split = Splitter(
            (name for pair in self.pairs for o in pair for name in _own_names(o)), backslashes=self._engine not in ("sqlite", "duckdb")
        )
        self._order = (_columns_in_order(before), _columns_in_order(after)) if self._columns else ({}, {})

    def explain(self, old: Object, new: Object) -> bool:
        """Tell whether an object was altered only in that the engine writes the new names where it wrote the old ones."""
        return bool(self.pairs) and all(
            a == b or (a is not None and b is not None and self._is_written_anew(new, name, b) and self._explains(old, new, name, a, b))
            for name, a, b in zip(TRAITS[old.kind], old.traits, new.traits, strict=True)
        )

    def _is_written_anew(self, o: Object, trait: str, text: str) -> bool:
        """Tell whether the engine itself changes a text where what it mentions is renamed. Nobody else's text is excused."""
        if self._engine in _WRITTEN_ANEW:
            form = f"{o.kind} {o.traits[0]}" if o.kind == "constraint" and self._engine == "mysql" else o.kind
            return trait in _WRITTEN_ANEW[self._engine].get(form, ())
        if trait == "body":  # as a string it is kept as it was written, by SQL's standard it is not
            return o.trait("language") == "sql" and re.match(r"BEGIN ATOMIC\s|RETURN\s", text) is not None
        return (o.kind, trait) not in _AS_WRITTEN

    def _explains(self, old: Object, new: Object, trait: str, a: str, b: str) -> bool:
        if trait == "role":
            return self._bare.get("role", {}).get(a) == b
        if trait in ("language", "schema"):
            return self._bare.get(trait, {}).get(a) == b
        if trait == "attributes":  # settings are kept as they were written
            (a, _, mine), (b, _, theirs) = (re.sub(r"(^|\s)SET ", "\0", text, count=1).partition("\0") for text in (a, b))
            if mine != theirs:
                return False
        if trait not in _LISTS:
            return _Comparison(self, old, new, trait, a, b).holds()
        before, after = (Counter(_items(text, _LISTS[trait])) for text in (a, b))
        gone, come = list((before - after).elements()), list((after - before).elements())
        return len(gone) == len(come) and all(self._take(old, new, trait, text, come) for text in gone)

    def _take(self, old: Object, new: Object, trait: str, text: str, others: list[str]) -> bool:
        found = next((other for other in others if self._is_item(old, new, trait, text, other)), None)
        if found is not None:
            others.remove(found)
        return found is not None

    def _is_item(self, old: Object, new: Object, trait: str, one: str, other: str) -> bool:
        if trait == "tables":
            return _Comparison(self, old, new, trait, one, other).holds()
        (a, *rights), (b, *others) = (re.split(r"(=| without )", text, maxsplit=1) for text in (one, other))
        return rights == others and self._bare.get("role", {}).get(a, a) == b

    # What the words are called now

    def words(self, o: Object, trait: str, text: str, table: Place) -> Words:
        on = o.kind in ("index", "trigger", "rule")
        own = Entry(table, table[1]) if o.parent else None
        return Words(self._split.words(text), own, on=on, relation_first=trait in ("tables", "inherits"))

    def now(self, place: Place) -> Place:
        """Return what a relation is called now."""
        return self._relations.get(place) or (self._bare.get("schema", {}).get(place[0], place[0]), place[1])

    def until_now(self, place: Place) -> Place:
        """Return what a relation was called."""
        return self._until_now.get(place, place)

    def is_moved(self, old: Place, new: Place) -> bool:
        return new in self._moves.get(old, ()) or (bool(old[0]) and (self._bare.get("schema", {}).get(old[0]), old[1]) == new)

    def is_schema(self, old: str, new: str) -> bool:
        return self._bare.get("schema", {}).get(old) == new

    def is_bare(self, before: str, old: str, new: str) -> bool:
        """Tell whether a name that stands alone is another one now; the word before it says of what it is the name."""
        return self._bare.get(_SAID_BY.get(before, ""), {}).get(old) == new

    def column(self, place: Place, name: str) -> str:
        """Return what a column is called now, by the name that its relation has now."""
        return self._columns.get(place, {}).get(name, name)

    def is_shown(self, old: str, new: str) -> bool:
        """Tell whether a column of a view may be called otherwise because it has the name of what it shows, as in SQLite."""
        return self._engine == "sqlite" and any(names.get(old) == new for names in self._columns.values())

    def listed(self, place: Place, later: bool) -> list[str]:
        """Return a table's columns in their order, as they were or as they are."""
        return self._order[later].get(place, [])


class _Comparison:
    """Two texts of one object, word by word."""

    def __init__(self, renames: Renames, old: Object, new: Object, trait: str, a: str, b: str) -> None:
        self._renames = renames
        self._objects = (old, new)
        self._trait = trait
        self._own = _place(new.parent or _simple(new))
        self._old, self._new = renames.words(old, trait, a, renames.until_now(self._own)), renames.words(new, trait, b, self._own)
        self._same_entry: dict[Entry, Entry] = {}

    def holds(self) -> bool:
        """Tell whether they say the same."""
        old, new = self._old, self._new
        i = j = 0
        while i < len(old) or j < len(new):
            if i < len(old) and j < len(new) and self._same(i, j):
                i, j = i + 1, j + 1
            elif more := self._spare(new, j, old, i, later=True):
                j += more
            elif more := self._spare(old, i, new, j, later=False):
                i += more
            else:
                return False
        return True

    def _same(self, i: int, j: int) -> bool:
        old, new = self._old.words[i], self._new.words[j]
        if old.literal or new.literal:
            return old == new or (old.literal and new.literal and self._is_same_constant(i, j))
        if not old.is_name or not new.is_name:
            return old.text == new.text
        entries = [text.relations.get(at) or text.entry(at) for text, at in ((self._old, i), (self._new, j))]
        if entries[0] and entries[1]:
            return self._bind(entries[0], entries[1]) and (old.text == new.text or i not in self._old.relations or self._is_place(i, j))
        return self._is_column(i, j) or (old.text == new.text and not self._is_other_column(i, j)) or self._is_place(i, j)

    def _bind(self, old: Entry, new: Entry) -> bool:
        """Tell whether two relations are one; those that bear one name in a query are told apart by their numbers."""
        if self._same_entry.setdefault(old, new) is not new or sum(e is new for e in self._same_entry.values()) > 1:
            return False
        if old.place is None or new.place is None:
            return old.place is new.place and _without_number(old.alias) == _without_number(new.alias)
        return self._renames.now(old.place) == new.place  # not what has its name now, another one may have taken it

    def _meant(self, text: Words, at: int, later: bool) -> tuple[Entry | None, Place, str] | None:
        """Return of which relation, by the name it has now, a word names which column; None where that is not certain."""
        entry, place, own = text.of(at)
        name = text.text(at)
        if own:
            return None, self._own, name
        if entry is not None and entry.place is not None:
            place = entry.place
            if name in entry.columns:
                listed = self._renames.listed(place, later)
                number = entry.columns.index(name)
                if number >= len(listed):
                    return None
                name = listed[number]
        if place is None:
            return None
        return entry, place if later else self._renames.now(place), name

    def _is_column(self, i: int, j: int) -> bool:
        if self._trait == "columns":
            return self._renames.is_shown(self._old.text(i), self._new.text(j))
        old, new = self._meant(self._old, i, False), self._meant(self._new, j, True)
        if old is None or new is None or old[1] != new[1]:
            return False
        if old[0] is not None and new[0] is not None and not self._bind(old[0], new[0]):
            return False
        return self._renames.column(old[1], old[2]) == new[2]

    def _is_other_column(self, i: int, j: int) -> bool:
        """Tell whether a column with its relation before it is another one, though it is called the same."""
        if not self._old.follows_point(i) or not self._new.follows_point(j):
            return False
        old, new = self._meant(self._old, i, False), self._meant(self._new, j, True)
        if old is None or new is None or old[0] is None:
            return False
        return self._renames.column(old[1], old[2]) != new[2]

    def _is_place(self, i: int, j: int) -> bool:
        """Tell whether a name, or the schema before it, is that of an object which has another one now."""
        old, new = self._old, self._new
        x, y = old.text(i), new.text(j)
        if old.keyword(i + 1) == new.keyword(j + 1) == ".":
            a, b = (x, old.text(i + 2)), (y, new.text(j + 2))
            if self._renames.is_moved(a, b) or self._renames.is_schema(x, y):
                return True
        if old.follows_point(i) and new.follows_point(j):
            return self._renames.is_moved((old.text(i - 2), x), (new.text(j - 2), y))
        if i in old.relations and j in new.relations:
            return self._renames.is_moved(("", x), ("", y))
        return self._renames.is_bare(old.text(i - 1).upper(), x, y)

    def _is_same_constant(self, i: int, j: int) -> bool:
        """Tell whether two literals are names after all: `'app.s'::regclass` is kept as a number."""
        form = self._old.text(i + 2)
        if self._old.text(i + 1) != "::" or not re.fullmatch(r"reg[a-z]+", form):
            return False
        a, b = (text.text(at)[1:-1].replace("''", "'") for text, at in ((self._old, i), (self._new, j)))
        if form in _REGISTERED:
            return self._renames.is_bare(_REGISTERED[form], a, b)
        return _Comparison(self._renames, *self._objects, "constant", a, b).holds()

    def _spare(self, text: Words, at: int, other: Words, place: int, *, later: bool) -> int:
        """Return how many words from a place on stand there, or not in the other text, only for the names of the day; 0 for none."""
        before = text.text(at - 1)
        if text.keyword(at) == "AS" and text.text(at + 1) == other.text(place - 1) != before and text.words[at - 1].is_name:
            return 2
        if self._objects[0].kind == "domain" and text.keyword(at) == "CONSTRAINT":
            names = (_place(o.name)[1] for o in self._objects)
            return 2 if any(re.fullmatch(re.escape(name[:28]) + r".*_check\d*", text.text(at + 1)) for name in names) else 0
        entry = text.aliases.get(at)
        if entry is None or entry.place is None or text.relations.get(at - 1) is not entry:
            return 0
        counterpart = other.relations.get(place - 1)
        if counterpart is None or counterpart.place is None or place in other.aliases:
            return 0
        if _without_number(entry.alias) not in (entry.place[1], counterpart.place[1]):
            return 0
        if not entry.columns:
            return 1
        # All columns of a join get their names where one of them has another now.
        listed = self._renames.listed(counterpart.place, not later)
        if [_without_number(c) for c in entry.columns] != [_without_number(c) for c in listed]:
            return 0
        return 1 + next(n for n in range(1, len(text) - at) if text.keyword(at + n) == ")")


def _columns_in_order(schema: Schema) -> dict[Place, list[str]]:
    found: dict[Place, list[tuple[int, str]]] = {}
    for o in schema.objects:
        number = (o.identity or "").rpartition(".")[2].removeprefix("#")
        if o.kind == "column" and number.isdecimal():
            found.setdefault(_place(o.parent), []).append((int(number), o.name))
    return {place: [name for _, name in sorted(columns)] for place, columns in found.items()}


def _place(name: str) -> Place:
    *schema, last = parts(name) or [""]
    return ".".join(schema), last


def _simple(o: Object) -> str:
    """Return an object's name as texts mention it: without its arguments, and without what tells it from others of its kind."""
    name = o.name.partition("(")[0]
    if o.kind == "text search":
        return name.partition(" ")[2]
    return name.partition(" USING ")[0] if o.kind in ("operator class", "operator family") else name


def _items(text: str, separator: str) -> list[str]:
    """Split a list where it is in no parenthesis."""
    found = [""]
    for piece in text.split(separator):
        if found[-1].count("(") > found[-1].count(")"):
            found[-1] += separator + piece
        else:
            found.append(piece)
    return found[1:]


def _own_names(o: Object) -> list[str]:
    return [o.name] if o.kind == "column" or o.kind in _BARE else parts(_simple(o))


def _without_number(word: str) -> str:
    return re.sub(r"(?<=.)_\d+$", "", word)
