"""What SQLite's own catalog does not tell about a table, or not in full: read from its CREATE TABLE statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tocsin.sources.sqlite.ddl import folded, joined, keyword, tokens, type_name, unquoted

_BEGINS_TABLE_CONSTRAINT = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}
_BEGINS_COLUMN_CONSTRAINT = {
    "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "NOT", "NULL", "DEFAULT", "COLLATE", "GENERATED", "AS", "DEFERRABLE",
}  # fmt: skip


@dataclass(slots=True)
class Column:
    """What the statement says about a column, beyond what the catalog does."""

    name: str
    type: str = ""
    collation: str | None = None
    """None for BINARY, which is what a column has without one."""
    expression: str = "(...)"
    """By which it is generated, where it is."""
    conflict: str | None = None
    """What becomes of a NULL in a NOT NULL column; None for ABORT, which is what happens if nothing else is said."""


class Constraint(NamedTuple):
    """A rule of a table: `name` says what it is about, `definition` all of it."""

    form: str
    name: str
    definition: str


@dataclass(slots=True)
class _Part:
    """A column of a key, with the collation and the order that are asked for there."""

    column: str
    collation: str | None
    descending: bool


@dataclass(slots=True)
class _Key:
    parts: list[_Part]
    conflict: str | None
    in_column: bool
    """Whether it stands behind its column, and not among the table's constraints."""


@dataclass(slots=True)
class _ForeignKey:
    columns: list[str]
    table: str
    referenced: list[str]
    actions: dict[str, str] = field(default_factory=dict)
    deferred: bool = False


@dataclass(slots=True)
class Table:
    """The parts of a CREATE TABLE statement that matter."""

    without_rowid: bool
    columns: dict[str, Column] = field(default_factory=dict)
    """By their names as SQLite compares them."""
    autoincrement: bool = False
    primary: _Key | None = None
    unique: list[_Key] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    foreign: list[_ForeignKey] = field(default_factory=list)

    def constraints(self) -> Iterator[Constraint]:
        """Yield the table's rules; two that SQLite keeps as one are one."""
        seen: dict[object, _Key] = {}
        for key in ([self.primary] if self.primary else []) + self.unique:
            same = seen.setdefault(tuple((folded(p.column), self._collation(p)) for p in key.parts), key)
            same.conflict = same.conflict or key.conflict
        for key in seen.values():
            yield self._primary_key(key) if key is self.primary else self._constraint("unique", "UNIQUE", key, key.parts)
        for check in self.checks:
            yield Constraint("check", f"CHECK {check}", f"CHECK {check}")
        for one in self.foreign:
            name = f"FOREIGN KEY ({self._names(one.columns)}) REFERENCES {one.table}"
            name += f" ({', '.join(one.referenced)})" if one.referenced else ""
            said = [f" {event} {action}" for event, action in sorted(one.actions.items(), reverse=True) if action != "NO ACTION"]
            yield Constraint("foreign key", name, "".join([name, *said, " DEFERRABLE INITIALLY DEFERRED" * one.deferred]))

    def _primary_key(self, key: _Key) -> Constraint:
        """An INTEGER PRIMARY KEY is the row's number itself; of two spellings with DESC one is, for SQLite's old sake."""
        first = key.parts[0]
        is_number = (
            len(key.parts) == 1
            and not self.without_rowid
            and self.columns[folded(first.column)].type == "INTEGER"
            and not (key.in_column and first.descending)
        )
        if is_number:
            return self._constraint("primary key", "INTEGER PRIMARY KEY", key, [_Part(first.column, None, False)])
        return self._constraint("primary key", "PRIMARY KEY", key, key.parts)

    def _constraint(self, form: str, words: str, key: _Key, parts: list[_Part]) -> Constraint:
        names = [self._names([p.column]) for p in parts]
        said = []
        for name, part in zip(names, parts, strict=True):
            own = part.collation and self._collation(part) != (self.columns[folded(name)].collation or "BINARY")
            said.append(name + f" COLLATE {part.collation}" * bool(own) + " DESC" * part.descending)
        definition = f"{words} ({', '.join(said)})" + (f" ON CONFLICT {key.conflict}" if key.conflict else "")
        return Constraint(form, f"{keyword(form)} ({', '.join(names)})", definition)

    def _collation(self, part: _Part) -> str:
        return part.collation or self.columns[folded(part.column)].collation or "BINARY"

    def _names(self, columns: list[str]) -> str:
        """Return columns by the names that they were given, in whichever letters they are named."""
        return ", ".join(self.columns[folded(name)].name for name in columns)


def read_table(sql: str, *, without_rowid: bool) -> Table:
    """Read a CREATE TABLE statement as SQLite keeps it."""
    table = Table(without_rowid)
    for item in _items(tokens(sql)):
        if item and keyword(item[0]) not in _BEGINS_TABLE_CONSTRAINT:
            _read_column(table, item)
        elif item:
            _Reader(table, item).read()
    return table


def _read_column(table: Table, item: list[str]) -> None:
    begin = next((at for at, word in _outside(item) if at and keyword(word) in _BEGINS_COLUMN_CONSTRAINT), len(item))
    name = unquoted(item[0])
    table.columns[folded(name)] = Column(name, type_name(" ".join(item[1:begin])))
    _Reader(table, item[begin:], table.columns[folded(name)]).read()


class _Reader:
    """Goes through the constraints of one column, or of the table itself."""

    def __init__(self, table: Table, words: list[str], column: Column | None = None) -> None:
        self._table = table
        self._words = words
        self._column = column
        self._at = 0

    def read(self) -> None:
        while self._at < len(self._words):
            constraint = _CONSTRAINTS.get(keyword(self._next()))
            if constraint:
                constraint(self)

    def name(self) -> None:
        self._next()

    def primary(self) -> None:
        self._next()
        self._table.primary = self._key()
        self._table.autoincrement |= self._took("AUTOINCREMENT")

    def unique(self) -> None:
        self._table.unique.append(self._key())

    def check(self) -> None:
        self._table.checks.append(joined(self._parenthesis()))

    def foreign(self) -> None:
        self._next()
        columns = self._list()
        self._next()
        self._refer(columns)

    def references(self) -> None:
        self._refer([self._column.name] if self._column else [])

    def negation(self) -> None:
        if self._took("DEFERRABLE"):
            self._defer(as_said=False)
        elif self._took("NULL") and self._column:
            self._column.conflict = self._conflict()

    def deferrable(self) -> None:
        self._defer(as_said=True)

    def collate(self) -> None:
        name = keyword(unquoted(self._next()))
        if self._column:
            self._column.collation = None if name == "BINARY" else name

    def generated(self) -> None:
        if self._column:
            self._column.expression = joined(self._parenthesis())

    def default(self) -> None:
        """Go past the value, which the catalog tells: it may be a word that begins a constraint elsewhere."""
        if self._peek() == "(":
            self._parenthesis()
            return
        while self._peek() in ("+", "-"):
            self._next()
        self._next()

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _next(self) -> str:
        self._at += 1
        return self._words[self._at - 1] if self._at <= len(self._words) else ""

    def _took(self, *words: str) -> bool:
        """Go past the words if they come next."""
        if [keyword(w) for w in self._words[self._at : self._at + len(words)]] != list(words):
            return False
        self._at += len(words)
        return True

    def _parenthesis(self) -> list[str]:
        """Go past a parenthesis and return it, "(" and ")" included."""
        if self._peek() != "(":
            return []
        start = self._at
        self._at = next((at + 1 for at, word in _outside(self._words, start) if word == ")"), len(self._words))
        return self._words[start : self._at]

    def _list(self) -> list[str]:
        return [unquoted(item[0]) for item in _items(self._parenthesis()) if item]

    def _key(self) -> _Key:
        if self._column:
            descending = self._took("DESC")
            self._took("ASC")
            return _Key([_Part(self._column.name, None, descending)], self._conflict(), in_column=True)
        parts = []
        for item in _items(self._parenthesis()):
            words = [keyword(word) for word in item]
            self._table.autoincrement |= "AUTOINCREMENT" in words
            collation = keyword(unquoted(item[words.index("COLLATE") + 1])) if "COLLATE" in words else None
            parts.append(_Part(unquoted(item[0]), collation, "DESC" in words[1:]))
        return _Key(parts, self._conflict(), in_column=False)

    def _conflict(self) -> str | None:
        """Go past what shall become of a write that breaks the rule. Behind CHECK and NULL it means nothing."""
        if not self._took("ON", "CONFLICT"):
            return None
        found = keyword(self._next())
        return None if found == "ABORT" else found

    def _refer(self, columns: list[str]) -> None:
        key = _ForeignKey(columns, unquoted(self._next()), self._list())
        self._table.foreign.append(key)
        while keyword(self._peek()) in ("ON", "MATCH"):
            if keyword(self._next()) == "MATCH":  # which means nothing to SQLite, and neither does ON INSERT
                self._next()
                continue
            event = f"ON {keyword(self._next())}"
            words = 2 if keyword(self._peek()) in ("SET", "NO") else 1
            key.actions[event] = " ".join(keyword(self._next()) for _ in range(words))
        key.actions.pop("ON INSERT", None)

    def _defer(self, *, as_said: bool) -> None:
        """Go past what is said about the last foreign key before it, wherever that stands."""
        deferred = self._took("INITIALLY", "DEFERRED") and as_said
        self._took("INITIALLY", "IMMEDIATE")
        if self._table.foreign:
            self._table.foreign[-1].deferred = deferred


_CONSTRAINTS: dict[str, Callable[[_Reader], None]] = {
    "CONSTRAINT": _Reader.name,
    "PRIMARY": _Reader.primary,
    "UNIQUE": _Reader.unique,
    "CHECK": _Reader.check,
    "FOREIGN": _Reader.foreign,
    "REFERENCES": _Reader.references,
    "NOT": _Reader.negation,
    "DEFERRABLE": _Reader.deferrable,
    "COLLATE": _Reader.collate,
    "AS": _Reader.generated,
    "DEFAULT": _Reader.default,
}


def _items(words: list[str]) -> list[list[str]]:
    """Split the first parenthesis at its commas."""
    items: list[list[str]] = [[]]
    depth = 0
    for word in words:
        if word == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and word == ",":
            items.append([])
        elif depth >= 1:
            items[-1].append(word)
        if word == "(":
            depth += 1
    return items


def _outside(words: list[str], start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the words that stand in no parenthesis, with their places; of a parenthesis itself only its last word."""
    depth = 0
    for at in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[at], 0)
        if depth == 0:
            yield at, words[at]
