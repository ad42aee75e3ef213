"""What only follows a rename: objects that are named after others, and texts that name them, written out by the engine in new words.

An engine that keeps definitions by number says them in the names of the day. So whatever else a rename makes it say in
another way is no change: a column alias that has to stand there now or no longer, an alias that tells two tables of one
name apart, a list in another order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tocsin.schema.model import TRAITS, Object

_ROW_TYPES = ("enum", "domain", "type", "table", "view", "materialized view")
"""Kinds whose names are names of types, which routines and operators bear in their own."""

_NAMELESS = ("cast", "transform", "user mapping", "default privileges")
"""Kinds that have no name of their own: they are called after what they are about."""

OF_ROLES = ("owner", "grant", "policy", "default privileges", "user mapping")
"""Kinds that name roles."""

_LISTS = {"privileges": "; ", "tables": ", ", "roles": ", "}
"""Traits that are lists in the order of their names."""

_WORD = r'"(?:[^"]|"")*"|\w+|\S'
_MADE_UP_CHECK = r"_check\d*$"

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
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


def _qualified(name: str) -> str:
    schema, point, rest = name.partition(".")
    return f"{_quoted(schema)}.{_quoted(rest)}" if point else _quoted(schema)


class Renames:
    """The names that changed between two schemas."""

    def __init__(self, renamed: Iterable[Renamed]) -> None:
        self.pairs: set[tuple[str, str]] = set()
        for old, new in renamed:
            self.pairs |= _word_pairs(old.name, new.name)
        self._names = {name for pair in self.pairs for name in pair}
        # A name that is no word is one all the same where the engine does not quote it.
        strange = sorted({name for pair in self.pairs for name in pair if not re.fullmatch(r"\w+|.*\..*", name)}, key=len, reverse=True)
        self._word = re.compile("|".join([r'"(?:[^"]|"")*"', *(rf"(?<!\w){re.escape(name)}(?!\w)" for name in strange), _WORD]))

    def explain(self, old: Object, new: Object) -> bool:
        """Tell whether an object was altered only in that its texts mention what was renamed by the new names."""
        return bool(self.pairs) and all(
            self._explains(name, a or "", b or "") for name, a, b in zip(TRAITS[old.kind], old.traits, new.traits, strict=True)
        )

    def _explains(self, trait: str, old: str, new: str) -> bool:
        if trait in _LISTS:
            before, after = (Counter(text.split(_LISTS[trait])) for text in (old, new))
            gone, come = list((before - after).elements()), list((after - before).elements())
            return len(gone) == len(come) and all(self._take(text, come) for text in gone)
        return old == new or self._aligned(self._words(old), self._words(new))

    def _take(self, text: str, others: list[str]) -> bool:
        found = next((other for other in others if self._aligned(self._words(text), self._words(other))), None)
        if found is not None:
            others.remove(found)
        return found is not None

    def _words(self, text: str) -> list[str]:
        return [w[1:-1].replace('""', '"') if w[0] == '"' and len(w) > 1 else w for w in self._word.findall(text)]

    def _aligned(self, old: list[str], new: list[str]) -> bool:
        """Tell whether two texts say the same, word by word."""
        i = j = 0
        while i < len(old) or j < len(new):
            if i < len(old) and j < len(new) and self._same(old[i], new[j]):
                i, j = i + 1, j + 1
            elif more := self._spare(new, j, old[i - 1] if i else ""):
                j += more
            elif more := self._spare(old, i, new[j - 1] if j else ""):
                i += more
            else:
                return False
        return True

    def _same(self, old: str, new: str) -> bool:
        if old == new or (old, new) in self.pairs:
            return True
        # Of several tables with one name all but one get a number behind it.
        a, b = _without_number(old), _without_number(new)
        return (a, b) != (old, new) and (a in self._names or b in self._names) and (a == b or (a, b) in self.pairs)

    def _spare(self, words: list[str], at: int, other: str) -> int:
        """Return how many words from a place on stand there, or not in the other text, only for the names of the day; 0 for none.

        `other` is what the other text says for the word before.
        """
        before, rest = (words[at - 1] if at else ""), words[at:]
        if rest[:2] == ["AS", other] and before != other:
            return 2
        if (
            rest[:1] == ["CONSTRAINT"]
            and rest[1:]
            and any(re.fullmatch(re.escape(name) + _MADE_UP_CHECK, rest[1]) for name in map(_last, self._names))
        ):
            return 2
        if not rest or not before or _without_number(rest[0]) != _without_number(before):
            return 0
        if rest[1:2] == ["("] and ")" in rest:  # all columns of a join get their names where one of them has another now
            end = rest.index(")")
            listed = rest[2:end]
            if set(listed[1::2]) <= {","} and not self._names.isdisjoint(listed):
                return end + 1
        return 1 if rest[0] != before else 0


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _without_number(word: str) -> str:
    return re.sub(r"(?<=.)_\d+$", "", word)


def _word_pairs(old: str, new: str) -> set[tuple[str, str]]:
    """Return what a name and what it consists of are called now."""
    found = {(old, new)}
    for separator in (r"\.", r"\W+"):
        a, b = (re.split(separator, name.partition("(")[0]) for name in (old, new))
        if len(a) == len(b):
            found |= {(x, y) for x, y in zip(a, b, strict=True) if x and y and x != y}
    return found
