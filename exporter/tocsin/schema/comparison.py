"""Two texts of one object, written by the engine: whether they say the same, each in the names of its day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.schema.model import Object, dotted
from tocsin.schema.names import SAID_BY, Names, place_of, simple
from tocsin.schema.words import Entry, Place, Splitter, Words

_REGISTERED = {"regrole": "OWNER", "regnamespace": "SCHEMA"}
"""Types of constants that are names without a schema."""

_NAMES_COLUMNS = ("definition", "default", "generated", "using", "check", "body", "tables", "owned_by")
"""Traits that mention columns. In all others a word that a column is called by is something else, such as a type."""

_BEFORE_NO_COLUMN = ("AS", "::", "CONSTRAINT", "USING", "WITH", "WITHOUT", "TIME", "BIT", "CHARACTER", "DOUBLE", "INTERVAL")
"""Words behind which a word is no column, whatever it is called: an output's name, a type, a part of a type's name, a method."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts of an engine are read, and by what names."""

    names: Names
    split: Splitter
    shows: bool
    """Whether a column of a view has the name of what it shows, as in SQLite."""

    def words(self, o: Object, trait: str, text: str, table: Place) -> Words:
        on = o.kind in ("index", "trigger", "rule")
        own = Entry(table, table[1]) if o.parent else None
        return Words(self.split.words(text), own, on=on, relation_first=trait in ("tables", "inherits"))


class Comparison:
    """Two texts of one object, word by word."""

    def __init__(self, reading: Reading, old: Object, new: Object, trait: str, a: str, b: str) -> None:
        self._reading = reading
        self._names = reading.names
        self._objects = (old, new)
        self._trait = trait
        self._own = place_of(new.parent or simple(new))
        self._old = reading.words(old, trait, a, self._names.until_now(self._own))
        self._new = reading.words(new, trait, b, self._own)
        entries = (*self._old.relations.values(), *self._new.relations.values())
        self._renames_columns = any(entry.columns for entry in entries)
        self._same_entry: dict[Entry, Entry] = {}
        self._bound: set[Entry] = set()
        self.others: dict[str, str | None] = {}
        """The names that both use, each for another thing, with what is called otherwise now of that which the old text meant."""
        self.reads_alike = self._compare()
        """Whether they have the same words, but for names."""

    def holds(self) -> bool:
        """Tell whether they say the same."""
        return self.reads_alike and not self.others

    def _compare(self) -> bool:
        old, new = self._old, self._new
        ends = len(old), len(new)
        i = j = 0
        while (i, j) != ends:
            if i < ends[0] and j < ends[1] and self._same(i, j):
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
        if not old.is_name or not new.is_name:
            return old.text == new.text if not old.literal or not new.literal else self._is_same_constant(i, j)
        a, b = self._old.relations.get(i) or self._old.entry(i), self._new.relations.get(j) or self._new.entry(j)
        if a and b:
            return self._is_relation(i, j, a, b)
        if old.text == new.text:
            return self._note_another(i, j) or not (self._is_elsewhere(i, j) or self._is_other_column(i, j))
        return self._is_column(i, j) or self._is_place(i, j)

    # Relations

    def _is_relation(self, i: int, j: int, old: Entry, new: Entry) -> bool:
        if not self._bind(old, new):
            return False
        return self._old.text(i) == self._new.text(j) or i not in self._old.relations or self._is_place(i, j)

    def _bind(self, old: Entry, new: Entry) -> bool:
        """Tell whether two relations are one; those that bear one name in a query are told apart by their numbers."""
        known = self._same_entry.get(old)
        if known is not None or new in self._bound:
            return known is new
        if old.place is None or new.place is None:
            same = old.place is new.place and _without_number(old.alias) == _without_number(new.alias)
        elif old.place == new.place and self._names.taken.place(old.place, called=False):
            same = True
            self.others[dotted(*filter(None, old.place))] = self._names.became(old.place)
        else:
            same = self._names.now(old.place) == new.place  # not what has its name now, another one may have taken it
        if same:
            self._same_entry[old] = new
            self._bound.add(new)
        return same

    # Columns

    def _meant(self, text: Words, at: int, later: bool) -> tuple[Entry | None, Place, str] | None:
        """Return of which relation, by the name it has now, a word names which column; None where that is not certain."""
        entry, place, own = text.of(at)
        name = text.text(at)
        if own:
            return None, self._own, name
        if entry is not None and entry.place is not None:
            place = entry.place
            if name in entry.columns:
                listed = self._names.listed(place, later)
                number = entry.columns.index(name)
                if number >= len(listed):
                    return None
                name = listed[number]
        if place is None:
            return None
        return entry, place if later else self._names.now(place), name

    def _is_column(self, i: int, j: int) -> bool:
        if self._trait == "columns":
            return self._reading.shows and self._names.was_shown(self._old.text(i), self._new.text(j))
        old, new = self._meant(self._old, i, False), self._meant(self._new, j, True)
        if old is None or new is None or old[1] != new[1]:
            return False
        if old[0] is not None and new[0] is not None and not self._bind(old[0], new[0]):
            return False
        return self._names.column(old[1], old[2]) == new[2]

    def _is_other_column(self, i: int, j: int) -> bool:
        """Tell whether a column with its relation before it is another one, though it is called the same."""
        if not self._old.follows_point(i) or not self._new.follows_point(j):
            return False
        if not self._renames_columns and not self._names.may_be_column(self._old.text(i)):
            return False
        old, new = self._meant(self._old, i, False), self._meant(self._new, j, True)
        if old is None or new is None or old[0] is None:
            return False
        return self._names.column(old[1], old[2]) != new[2]

    # Names that are called the same

    def _note_another(self, i: int, j: int) -> bool:
        """Tell whether a word names another thing than it did before, and take note of it."""
        taken = self._names.taken
        if not taken:
            return False
        name = self._old.text(i)
        found = self._taken_column(i, j)
        place = (self._old.text(i - 2), name)
        if not found and self._names_of_schema(i, j) and taken.place(place, called=self._old.keyword(i + 1) == "("):
            found = {dotted(*place): self._names.became(place)}
        kind = SAID_BY.get(self._old.text(i - 1).upper(), "")
        if not found and taken.bare(kind, name):
            found = {f"{kind} {name}": self._names.alone(kind, name)}
        self.others |= found
        return bool(found)

    def _taken_column(self, i: int, j: int) -> dict[str, str | None]:
        text = self._old
        if self._trait not in _NAMES_COLUMNS or not self._names.taken.columns:
            return {}
        if text.keyword(i - 1) in _BEFORE_NO_COLUMN or text.keyword(i + 1) in ("(", ".") or text.keyword(i - 2) == "EXTRACT":
            return {}
        old, new = self._meant(self._old, i, False), self._meant(self._new, j, True)
        if old is None or new is None or old[1] != new[1] or old[2] not in self._names.taken.columns.get(old[1], ()):
            return {}
        became = self._names.column(old[1], old[2])
        return {} if became == new[2] else {dotted(*filter(None, old[1]), old[2]): became or None}

    def _names_of_schema(self, i: int, j: int) -> bool:
        """Tell whether a word follows a schema's name, in both texts the same one."""
        old, new = self._old, self._new
        return old.follows_point(i) and new.follows_point(j) and old.text(i - 2) == new.text(j - 2) and old.entry(i - 2) is None

    def _is_elsewhere(self, i: int, j: int) -> bool:
        """Tell whether the same name behind two schemas' names is not that of one thing."""
        old, new = self._old, self._new
        if not old.follows_point(i) or not new.follows_point(j) or old.text(i - 2) == new.text(j - 2):
            return False
        if not self._names.is_schema(old.text(i - 2), new.text(j - 2)):
            return False
        return not self._names.is_moved((old.text(i - 2), old.text(i)), (new.text(j - 2), new.text(j)))

    # Names that are called otherwise

    def _is_place(self, i: int, j: int) -> bool:
        """Tell whether a name, or the schema before it, is that of an object which has another one now."""
        old, new = self._old, self._new
        x, y = old.text(i), new.text(j)
        if old.keyword(i + 1) == new.keyword(j + 1) == ".":
            a, b = (x, old.text(i + 2)), (y, new.text(j + 2))
            if self._names.is_moved(a, b) or self._names.is_schema(x, y):
                return True
        if old.follows_point(i) and new.follows_point(j):
            return self._names.is_moved((old.text(i - 2), x), (new.text(j - 2), y))
        if i in old.relations and j in new.relations:
            return self._names.is_moved(("", x), ("", y))
        return self._names.is_bare(old.text(i - 1).upper(), x, y)

    def _is_same_constant(self, i: int, j: int) -> bool:
        """Tell whether two literals are one, or names after all: `'app.s'::regclass` is kept as a number, and so is an enum's value."""
        is_equal = self._old.words[i].text == self._new.words[j].text
        if self._trait == "bounds":
            return is_equal or any(labels.get(self._old.text(i)) == self._new.text(j) for labels in self._names.labels.values())
        if self._old.text(i + 1) != "::":
            return is_equal
        if labels := self._names.labels.get(self._type_at(i + 2)):
            return _relabelled(self._old.text(i), labels) == self._new.text(j)
        form = self._old.text(i + 2)
        if not re.fullmatch(r"reg[a-z]+", form):
            return is_equal
        a, b = (text.text(at)[1:-1].replace("''", "'") for text, at in ((self._old, i), (self._new, j)))
        if form in _REGISTERED:
            kind = SAID_BY[_REGISTERED[form]]
            if is_equal and self._names.taken.bare(kind, a):
                self.others[f"{kind} {a}"] = self._names.alone(kind, a)
            return is_equal or self._names.is_bare(_REGISTERED[form], a, b)
        if is_equal and not self._names.taken:
            return True
        inner = Comparison(self._reading, *self._objects, "constant", a, b)
        self.others |= inner.others
        return inner.reads_alike

    def _type_at(self, i: int) -> Place:
        """Return of which name the old text's type is, with its schema where that is before it."""
        old = self._old
        return (old.text(i), old.text(i + 2)) if old.keyword(i + 1) == "." else ("", old.text(i))

    # Words that stand there only for the names of the day

    def _spare(self, text: Words, at: int, other: Words, place: int, *, later: bool) -> int:
        """Return how many words from a place on stand there, or not in the other text, only for the names of the day; 0 for none."""
        before = text.text(at - 1)
        if text.keyword(at) == "AS" and text.text(at + 1) == other.text(place - 1) != before and text.words[at - 1].is_name:
            return 2
        if self._objects[0].kind == "domain" and text.keyword(at) == "CONSTRAINT":
            names = (place_of(o.name)[1] for o in self._objects)
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
        listed = self._names.listed(counterpart.place, not later)
        if [_without_number(c) for c in entry.columns] != [_without_number(c) for c in listed]:
            return 0
        return 1 + next(n for n in range(1, len(text) - at) if text.keyword(at + n) == ")")


def _without_number(word: str) -> str:
    return re.sub(r"(?<=.)_\d+$", "", word)


def _relabelled(literal: str, labels: Mapping[str, str]) -> str:
    """Return a constant of an enum, or of an array of such, with the values' names of now."""
    if re.fullmatch(r"'\{[^\"\\']*\}'", literal):
        return "'{" + ",".join(labels.get(f"'{label}'", f"'{label}'")[1:-1] for label in literal[2:-2].split(",")) + "}'"
    return labels.get(literal, literal)
