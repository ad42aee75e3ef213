"""What only follows a rename: objects that are named after others, and texts that name them, written out by the engine in new words.

An engine that keeps definitions by number says them in the names of the day. So whatever else a rename makes it say in
another way is no change: a column alias that has to stand there now or no longer, an alias that tells two tables of one
name apart, a list in another order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tocsin.schema.comparison import Comparison, Reading
from tocsin.schema.model import TRAITS, Object, Schema, part, parts
from tocsin.schema.names import Names, Renamed, own_names
from tocsin.schema.words import Splitter

_ROW_TYPES = ("enum", "domain", "type", "table", "view", "materialized view")
"""Kinds whose names are names of types, which routines and operators bear in their own."""

_NAMELESS = ("cast", "transform", "user mapping", "default privileges")
"""Kinds that have no name of their own: they are called after what they are about."""

OF_ROLES = ("owner", "grant", "policy", "default privileges", "user mapping")
"""Kinds that name roles."""

_LISTS = {"privileges": "; ", "tables": ", ", "roles": ", "}
"""Traits that are lists in the order of their names."""

_ALONE = ("role", "language", "schema")
"""Traits that are a name and nothing else."""

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


class Other(NamedTuple):
    """A name that another thing bears now: of which trait, the name, and what is called otherwise now of that which it meant."""

    trait: str
    name: str
    became: str | None


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


def roles_of(o: Object) -> set[str]:
    """Return the roles that an object names: to which it belongs, or of which it says what they may do."""
    if o.kind not in OF_ROLES:
        return set()
    found = {_role_in_name(o)}
    for trait, text in zip(TRAITS[o.kind], o.traits, strict=True):
        if text and trait in _LISTS:
            found |= {_holder(item)[0] for item in _items(text, _LISTS[trait])}
        elif trait == "role":
            found.add(text)
    return {name for name in found if name}


def _role_in_name(o: Object) -> str | None:
    """Return the role after which rights by default and logins at foreign servers are called."""
    if o.kind not in ("default privileges", "user mapping"):
        return None
    found = re.fullmatch(r"of (.+) on [a-z ]+?(?: in schema .*)?|(.+) SERVER .*", o.name)
    return found and (found[1] or found[2])


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
        self.names = Names(renamed, before, after)
        self._engine = before.server.partition(" ")[0]
        words = (name for pair in self.names.pairs for o in pair for name in own_names(o))
        split = Splitter(words, backslashes=self._engine not in ("sqlite", "duckdb"))
        self._reading = Reading(self.names, split, shows=self._engine == "sqlite")

    def explain(self, old: Object, new: Object) -> bool:
        """Tell whether an object was altered only in that the engine writes the new names where it wrote the old ones."""
        if not self.names:
            return False
        return all(
            a == b or (a is not None and b is not None and self._is_written_anew(new, name, b) and self._explains(old, new, name, a, b))
            for name, a, b in zip(TRAITS[old.kind], old.traits, new.traits, strict=True)
        ) and not self.others(old, new)

    def others(self, old: Object, new: Object) -> tuple[Other, ...]:
        """Return what an object mentions by a name that another thing bears now.

        What the engine keeps by number it would have written anew, had it not been made again for the other one.
        """
        if not self.may_mention_others(new):
            return ()
        found = [Other(TRAITS[new.kind][0], *other) for other in self._others_in_name(old, new).items()]
        for trait, a, b in zip(TRAITS[old.kind], old.traits, new.traits, strict=True):
            if a is not None and b is not None and self._is_written_anew(new, trait, b):
                found += [Other(trait, *other) for other in self._others(old, new, trait, a, b).items()]
        return tuple(found)

    def may_mention_others(self, o: Object) -> bool:
        """Tell whether an object can mention a name that another thing bears now: cheap, and true too often."""
        return bool(self.names.taken) and self.names.taken.are_in((*o.traits, o.name) if o.kind in _NAMELESS else o.traits)

    def _others_in_name(self, old: Object, new: Object) -> dict[str, str | None]:
        """Return the same of what is called after others, and is another one itself: a role's rights by default, a cast of a type."""
        if new.kind not in _NAMELESS or old.name != new.name or old.identity == new.identity:
            return {}
        role = _role_in_name(new)
        found = self._other_alone("role", role) if role else {}
        return found | self._comparison(old, new, "name", old.name, new.name).others

    def _is_written_anew(self, o: Object, trait: str, text: str) -> bool:
        """Tell whether the engine itself changes a text where what it mentions is renamed. Nobody else's text is excused."""
        if self._engine in _WRITTEN_ANEW:
            form = f"{o.kind} {o.traits[0]}" if o.kind == "constraint" and self._engine == "mysql" else o.kind
            return trait in _WRITTEN_ANEW[self._engine].get(form, ())
        if trait == "body":  # as a string it is kept as it was written, by SQL's standard it is not
            return o.trait("language") == "sql" and re.match(r"BEGIN ATOMIC\s|RETURN\s", text) is not None
        return (o.kind, trait) not in _AS_WRITTEN

    def _explains(self, old: Object, new: Object, trait: str, a: str, b: str) -> bool:
        if trait in _ALONE:
            return self.names.alone(trait, a) == b
        if trait == "attributes":
            (a, mine), (b, theirs) = map(_without_settings, (a, b))
            if mine != theirs:
                return False
        if trait not in _LISTS:
            return self._comparison(old, new, trait, a, b).holds()
        return self._unmatched(old, new, trait, a, b) == ([], [])

    def _others(self, old: Object, new: Object, trait: str, a: str, b: str) -> dict[str, str | None]:
        if trait in _ALONE:
            return self._other_alone(trait, a) if a == b else {}
        if trait == "attributes":
            (a, _), (b, _) = map(_without_settings, (a, b))
        if trait not in _LISTS:
            return self._comparison(old, new, trait, a, b).others
        left, come = self._unmatched(old, new, trait, a, b)
        found: dict[str, str | None] = {}
        for item in left:
            if item in come and trait == "tables":
                found |= self._comparison(old, new, trait, item, item).others
            elif item in come:
                found |= self._other_alone("role", _holder(item)[0])
        return found

    def _other_alone(self, kind: str, name: str) -> dict[str, str | None]:
        return {f"{kind} {name}": self.names.alone(kind, name)} if self.names.taken.bare(kind, name) else {}

    def _comparison(self, old: Object, new: Object, trait: str, a: str, b: str) -> Comparison:
        return Comparison(self._reading, old, new, trait, a, b)

    def _unmatched(self, old: Object, new: Object, trait: str, a: str, b: str) -> tuple[list[str], list[str]]:
        """Return the items of a list that are not in the other one, by what they mean now: of the old one, and of the new one."""
        before, after = (Counter(_items(text, _LISTS[trait])) for text in (a, b))
        same = Counter({item: n for item, n in (before & after).items() if not self.names.taken.are_in([item])})
        left, come = list[str](), list((after - same).elements())
        for item in (before - same).elements():
            found = next((other for other in come if self._is_item(old, new, trait, item, other)), None)
            left.append(item) if found is None else come.remove(found)
        return left, come

    def _is_item(self, old: Object, new: Object, trait: str, one: str, other: str) -> bool:
        if trait == "tables":
            return self._comparison(old, new, trait, one, other).holds()
        (a, *rights), (b, *others) = _holder(one), _holder(other)
        return rights == others and self.names.alone("role", a) == b


def _without_settings(attributes: str) -> tuple[str, str]:
    """Return what of a routine's attributes the engine writes anew, and the settings, which are kept as they were written."""
    written, _, settings = re.sub(r"(^|\s)SET ", "\0", attributes, count=1).partition("\0")
    return written, settings


def _holder(item: str) -> list[str]:
    """Split an item of a list of roles, or of rights, into the role and what is said of it."""
    return re.split(r"(=| without )", item, maxsplit=1)


def _items(text: str, separator: str) -> list[str]:
    """Split a list where it is in no parenthesis."""
    found = [""]
    for piece in text.split(separator):
        if found[-1].count("(") > found[-1].count(")"):
            found[-1] += separator + piece
        else:
            found.append(piece)
    return found[1:]
