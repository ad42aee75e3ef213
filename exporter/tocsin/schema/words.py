"""SQL as words, and which relation a word is about: as much of it as text alone can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

_BEGINS_QUERY = {"SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE"}
_ENDS_FROM = {
    "WHERE", "GROUP", "ORDER", "HAVING", "WINDOW", "LIMIT", "OFFSET", "FETCH", "UNION", "INTERSECT", "EXCEPT", "SET", "VALUES", "RETURNING",
}  # fmt: skip
_NO_NAME = _BEGINS_QUERY | _ENDS_FROM | {
    "ON", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "NATURAL", "USING", "FOR", "TABLESAMPLE", "DEFAULT", "DO", "WHEN",
    "OF", "BEGIN", "END", "EXECUTE", "INSTEAD", "ALSO", "AS", "FROM", "INTO", "TO", "CASCADE", "RESTRICT", "NO", "CONFLICT", "OR", "AND",
}  # fmt: skip
_GOES_BEFORE_RELATION = {"FROM", "JOIN", "INTO", "UPDATE", "REFERENCES", "TO"}
_BETWEEN = {"ONLY", "LATERAL"}
_TURNS = _GOES_BEFORE_RELATION | _ENDS_FROM | {"(", ")", ",", ";", "SELECT", "BEGIN", "DO", "ON"}
"""What changes how the next words are read where no relation is expected."""

_MOST_KNOWN = 50_000
"""So many words are kept for when they are met again."""

Place = tuple[str, str]
"""A schema, "" where there is none, and a name."""


class Word(NamedTuple):
    text: str
    """A name without its quotes; a literal with them."""
    keyword: str
    """What it is as a word of the language, "" for a literal and for a name in quotes."""
    is_name: bool
    literal: bool


@dataclass(slots=True, eq=False)
class Entry:
    """A relation that a query reads or writes; `place` is None for a query or a function in its stead."""

    place: Place | None
    alias: str
    columns: list[str] = field(default_factory=list)
    """What its columns are called instead."""


@dataclass(slots=True, eq=False)
class _Scope:
    outer: _Scope | None = None
    own: Entry | None = None
    """The table to which all of the text belongs."""
    entries: list[Entry] = field(default_factory=list)
    selects: bool = False

    def found(self, alias: str) -> Entry | None:
        here = [e for e in self.entries if e.alias == alias]
        if here:
            return here[0] if len(here) == 1 else None
        if self.own and self.own.alias == alias:
            return self.own
        return self.outer.found(alias) if self.outer else None

    def only(self) -> Entry | None:
        """Return the relation whose columns need no name before them; None where there are several or none."""
        if not self.entries:
            return self.outer.only() if self.outer else None
        return self.entries[0] if len({e.place for e in self.entries}) == 1 else None

    @property
    def reads(self) -> bool:
        return bool(self.entries) or (self.outer is not None and self.outer.reads)


@dataclass(slots=True)
class _Frame:
    """What is known between two parentheses."""

    scope: _Scope
    is_query: bool
    lists_relations: bool = False
    expects: str = ""
    """The word after which a relation must come, "" where none must."""
    derived: bool = False


class Words:
    """A text word by word."""

    def __init__(self, words: list[Word], own: Entry | None, *, on: bool, relation_first: bool) -> None:
        self.words = words
        self._end = len(words)
        self.relations: dict[int, Entry] = {}
        """By the place of the last word of a relation's name."""
        self.aliases: dict[int, Entry] = {}
        """By the place of the alias, where one stands."""
        self._scopes: list[_Scope] = []
        self._own = own
        self._called = {own.alias} if own else set()
        """All names that relations have in the text."""
        self._read(_GOES_BEFORE_RELATION | ({"ON"} if on else set()), relation_first)

    def __len__(self) -> int:
        return len(self.words)

    def text(self, at: int) -> str:
        return self.words[at].text if 0 <= at < self._end else ""

    def keyword(self, at: int) -> str:
        return self.words[at].keyword if 0 <= at < self._end else ""

    def follows_point(self, at: int) -> bool:
        return self.keyword(at - 1) == "."

    def entry(self, at: int) -> Entry | None:
        """Return the relation that a word calls by the name which it has in this query."""
        if at in self.aliases:
            return self.aliases[at]
        word = self.words[at] if at >= 0 else None
        if (
            word is None
            or not word.is_name
            or word.text not in self._called
            or self.follows_point(at)
            or at in self.relations
            or self.keyword(at - 1) == "AS"
            or self.keyword(at + 1) == "("
        ):
            return None
        if self.keyword(at + 1) == "." and self.keyword(at + 3) == "." and self.text(at + 4) != "*":
            return None  # a schema
        if at + 2 in self.relations:
            return None
        return self._scopes[at].found(word.text)

    def of(self, at: int) -> tuple[Entry | None, Place | None, bool]:
        """Return of which relation a word names a column, as far as that is certain.

        It is that of an entry, or that at a place, or the one to which the text itself belongs.
        """
        if not self.follows_point(at):
            scope = self._scopes[at]
            return scope.only(), None, not scope.reads
        if self.follows_point(at - 2):
            return None, (self.text(at - 4), self.text(at - 2)), False
        entry = self.entry(at - 2)
        return entry, None, entry is None and self.keyword(at - 2) in ("OLD", "NEW")

    def _read(self, before_relation: set[str], relation_first: bool) -> None:
        frames = [_Frame(_Scope(own=self._own), True, expects="TO" if relation_first else "")]
        at = 0
        while at < self._end:
            frame, keyword = frames[-1], self.words[at].keyword
            if not frame.expects and keyword not in _TURNS:
                pass
            elif frame.expects and self.words[at].is_name and keyword not in _NO_NAME:
                if keyword not in _BETWEEN or self.keyword(at + 1) in (".", ""):
                    at = self._relation(at, frame, frames)
                    continue
            elif keyword == "(":
                frames.append(self._opened(at, frame))
            elif keyword == ")" and len(frames) > 1:
                derived = frames.pop().derived
                self._scopes.append(frames[-1].scope)
                at = self._alias(at + 1, Entry(None, ""), frames[-1].scope) if derived else at + 1
                continue
            else:
                self._word(at, frame, before_relation)
            self._scopes.append(frame.scope)
            at += 1

    def _word(self, at: int, frame: _Frame, before_relation: set[str]) -> None:
        keyword = self.keyword(at)
        if keyword in ("BEGIN", "DO", ";"):
            frame.scope, frame.lists_relations, frame.expects = _Scope(), False, ""
        elif keyword == "SELECT":
            if frame.scope.selects or frame.scope.entries:
                frame.scope = _Scope(frame.scope.outer, frame.scope.own)
            frame.scope.selects, frame.lists_relations, frame.expects = True, False, ""
        elif keyword in before_relation and frame.is_query and self.keyword(at - 1) != "DISTINCT":
            if keyword != "ON" or not frame.lists_relations:
                frame.expects = keyword
                frame.lists_relations |= keyword in ("FROM", "JOIN")
        elif keyword in _ENDS_FROM:
            frame.lists_relations, frame.expects = False, ""
        elif keyword == "," and frame.lists_relations:
            frame.expects = "FROM"
        elif self.words[at].text:
            frame.expects = ""

    def _opened(self, at: int, frame: _Frame) -> _Frame:
        if self.keyword(at + 1) in _BEGINS_QUERY:
            derived = frame.expects in ("FROM", "JOIN")
            frame.expects = ""
            return _Frame(_Scope(frame.scope), True, derived=derived)
        if frame.expects and frame.lists_relations:  # a join in parentheses
            frame.expects = ""
            return _Frame(frame.scope, True, lists_relations=True, expects="FROM")
        return _Frame(frame.scope, False)

    def _relation(self, at: int, frame: _Frame, frames: list[_Frame]) -> int:
        """Take a relation's name and what it is called in the query, and return the place behind that."""
        how, frame.expects = frame.expects, ""
        last = at
        while self.keyword(last + 1) == "." and last + 2 < len(self.words):
            last += 2
        self._scopes += [frame.scope] * (last + 1 - at)
        name = self.text(last)
        place = (self.text(last - 2) if last > at else "", name)
        self._called.add(name)
        if self.keyword(last + 1) == "(" and how in ("FROM", "JOIN"):  # a function
            frame.scope.entries.append(Entry(None, name))
            return last + 1
        entry = self.relations[last] = Entry(place, name)
        if how == "REFERENCES":
            if self.keyword(last + 1) == "(":
                self._scopes.append(_Scope(entries=[entry]))
                frames.append(_Frame(_Scope(entries=[entry]), False))
                return last + 2
            return last + 1
        if how in ("FROM", "JOIN", "UPDATE", "INTO"):
            return self._alias(last + 1, entry, frame.scope)
        frame.scope.entries.append(entry)
        return last + 1

    def _alias(self, at: int, entry: Entry, scope: _Scope) -> int:
        """Take what stands behind a relation: another name for it, and for its columns."""
        scope.entries.append(entry)
        place = at + (self.keyword(at) == "AS")
        if place >= len(self.words) or not self.words[place].is_name or self.keyword(place) in _NO_NAME:
            return at
        entry.alias, self.aliases[place] = self.text(place), entry
        self._called.add(entry.alias)
        end = place + 1
        if self.keyword(end) == "(" and any(w.text == ")" for w in self.words[end:]):
            end = next(i for i in range(end, len(self.words)) if self.keyword(i) == ")")
            entry.columns = [w.text for w in self.words[place + 2 : end] if w.is_name]
            end += 1
        self._scopes += [scope] * (end - at)
        return end


class Splitter:
    """Splits texts of one engine into words. `strange` are names that are no words and that it does not always quote."""

    def __init__(self, strange: Iterable[str], *, backslashes: bool) -> None:
        self._strange = {name for name in strange if name and not re.fullmatch(r"\w+", name)}
        names = sorted(map(re.escape, self._strange), key=len, reverse=True)
        literal = r"'(?:[^'\\]|\\.|'')*'" if backslashes else r"'(?:[^']|'')*'"
        parts = [r'"(?:[^"]|"")*"|`(?:[^`]|``)*`', literal]
        parts += [rf"(?<!\w)(?:{'|'.join(names)})(?!\w)"] if names else []
        self._pattern = re.compile("|".join([*parts, r"[\w$]+|::|\S"]), re.DOTALL)
        self._known: dict[str, Word] = {}

    def words(self, text: str) -> list[Word]:
        return [self._known.get(written) or self._word(written) for written in self._pattern.findall(text)]

    def _word(self, written: str) -> Word:
        if len(written) > 1 and written[0] in '"`':
            found = Word(written[1:-1].replace(written[0] * 2, written[0]), "", is_name=True, literal=False)
        elif len(written) > 1 and written[0] == "'":
            found = Word(written, "", is_name=False, literal=True)
        elif written in self._strange:
            found = Word(written, "", is_name=True, literal=False)
        else:
            found = Word(written, written.upper(), is_name=re.match(r"\w", written) is not None, literal=False)
        if len(self._known) < _MOST_KNOWN:
            self._known[written] = found
        return found
