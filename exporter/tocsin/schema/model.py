"""A schema as a plain value: its objects, its fingerprint, and the form it is kept in."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

_ROUTINE = ("arguments", "returns", "language", "body", "attributes", "security")
_VIEW = ("definition", "columns", "options")

TRAITS: dict[str, tuple[str, ...]] = {
    "database": (),
    "schema": (),
    "table": ("form", "options", "row_security", "replica_identity", "inherits"),
    "partition": ("of", "bounds", "row_security"),
    "partitions": ("form",),
    "role": (),
    "tablespace": (),
    "column": ("type", "nullable", "default", "generated", "collation", "options"),
    "index": ("unique", "definition", "valid"),
    "constraint": ("form", "definition", "validated"),
    "view": _VIEW,
    "materialized view": _VIEW,
    "function": _ROUTINE,
    "procedure": _ROUTINE,
    "aggregate": ("definition",),
    "macro": ("definition",),
    "trigger": ("definition", "enabled"),
    "rule": ("definition", "enabled"),
    "policy": ("form", "command", "roles", "using", "check"),
    "event": ("definition", "enabled"),
    "event trigger": ("definition", "enabled"),
    "sequence": ("definition", "owned_by"),
    "enum": ("values",),
    "domain": ("type", "nullable", "default", "definition"),
    "type": ("definition",),
    "collation": ("definition",),
    "operator": ("definition",),
    "operator class": ("definition",),
    "operator family": ("definition",),
    "cast": ("definition",),
    "conversion": ("definition",),
    "text search": ("definition",),
    "transform": ("definition",),
    "access method": ("definition",),
    "language": ("definition",),
    "statistics": ("definition",),
    "extension": ("version", "schema"),
    "publication": ("definition", "tables"),
    "subscription": ("definition", "connection", "enabled"),
    "foreign data wrapper": ("definition",),
    "foreign server": ("definition",),
    "user mapping": ("definition",),
    "owner": ("role",),
    "grant": ("privileges",),
    "default privileges": ("privileges",),
    "comment": ("text",),
}
"""What is compared, by kind of object. A trait is text, or None where the engine has nothing to say."""

OF_SERVER = ("role", "tablespace")
"""Kinds that belong to the server: known only so that one with another name is not taken for another one by those that mention it."""

ATTACHED = ("owner", "grant", "comment")
"""Kinds that say something about another object: who drops or renames that one is not told about them."""

HIDDEN = "(hidden from this role)"
"""Stands for a trait that the engine does not show for want of privileges: known, and no change, only where an earlier look saw it."""

UNCHECKED = "no, but old rows are not checked"
"""A column's trait `nullable` where NULL is refused, but old rows may hold it."""

SWITCHED_OFF = "triggers disabled"
"""A constraint's trait `validated` where the triggers by which the server enforces it are disabled."""

_NAMED = ("column", "index", "constraint", "trigger", "rule", "policy")
"""Kinds of parts that people name."""

_FOLDING = ("sqlite", "duckdb")

_PART = re.compile(r'("(?:[^"]|"")*")(?:\.|$)|([^.]+)')


class Object(NamedTuple):
    """One object of a schema.

    A root has no parent; a part has its root's full name as parent. What is attached to another object has the
    root as parent too, and that part's name, "" for the root itself; where two kinds of roots may share a name
    the parent begins with the root's kind (`extension postgis`). `traits` has the order of TRAITS[kind].

    `identity` is the engine's own number where it has one: it tells a rename from a drop and an add, and is no
    part of the fingerprint. `#3`, a position, is weaker: it tells a rename only where nothing else changed.
    `generated` says that the engine chose the name, which then means nothing.
    """

    kind: str
    parent: str
    name: str
    traits: tuple[str | None, ...] = ()
    identity: str | None = None
    generated: bool = False

    @property
    def full_name(self) -> str:
        if self.parent and self.kind in _NAMED and not self.generated:
            return f"{self.parent}.{part(self.name)}"
        return ".".join(word for word in (self.parent, self.name) if word)

    def trait(self, name: str) -> str | None:
        return self.traits[TRAITS[self.kind].index(name)]

    @property
    def definition(self) -> str:
        """The object in words close to SQL, for a person to read."""
        match self.kind:
            case "column":
                return _column_definition(self)
            case "table":
                return " ".join(w for w in (self.trait("form"), self.full_name, *_named(self, 1)) if w)
            case "owner" | "grant" | "comment":
                return self.traits[0] or ""
            case "constraint" | "index":
                text, validity = self.trait("definition") or "", self.traits[-1]
                if self.traits[0] == "yes" and "UNIQUE" not in text.upper():
                    text = f"UNIQUE {text}"
                return text + ("" if validity in (None, "yes") else f" ({validity})")
            case _:
                return "\n".join([f"{self.kind} {self.full_name}", *_named(self, 0)])


def dotted(*names: str) -> str:
    """Return names joined by dots.

    >>> dotted("public", "orders"), dotted("a.b", "c"), dotted("a", 'b"c')
    ('public.orders', '"a.b".c', 'a."b""c"')
    """
    return ".".join(map(part, names))


def part(name: str) -> str:
    """Return a name as a part of a longer one: as it is, in double quotes where a dot or a quote in it could be taken for another's."""
    return '"' + name.replace('"', '""') + '"' if "." in name or '"' in name else name


def parts(name: str) -> list[str]:
    """Return the names of which one was made by `dotted`.

    >>> parts("public.orders"), parts('"a.b".c'), parts('a."b""c"')
    (['public', 'orders'], ['a.b', 'c'], ['a', 'b"c'])
    """
    return [quoted[1:-1].replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(name)] or [name]


def _named(o: Object, first: int) -> list[str]:
    return [f"{name}: {value}" for name, value in list(zip(TRAITS[o.kind], o.traits, strict=True))[first:] if value is not None]


def _column_definition(column: Object) -> str:
    type_, nullable, default, generated, collation, options = column.traits
    words = [column.name, type_ or ""]
    if collation:
        words.append(f"COLLATE {collation}")
    if nullable == "no":
        words.append("NOT NULL")
    if generated:
        words.append(generated)
    elif default is not None:
        words.append(f"DEFAULT {default}")
    if options:
        words.append(options)
    return " ".join(w for w in words if w)


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects of one database. `server` is the engine and its major version: between two, texts may differ.

    Partitions that rotate count for nothing: that they come and go is no change. Neither is it with what belongs
    to the server.

    `unseen` are the kinds of which some may be hidden for want of privileges: `database` where all of it is.
    """

    server: str
    objects: tuple[Object, ...]
    unseen: frozenset[str] = frozenset()

    def fingerprint(self) -> str:
        """Return SHA-256 over the canonical form, as hexadecimal digits.

        Independent of the order of objects and of columns, of identities and of generated names.
        """
        return combined(digest(group) for group in by_root(self.objects).values())

    def counts(self) -> dict[str, int]:
        return dict(Counter(o.kind for o in self.objects if o.kind not in OF_SERVER))

    @property
    def folds_names(self) -> bool:
        """Whether names that differ in the case of their letters alone are the same to the engine."""
        return self.server.split(" ")[0] in _FOLDING


def by_root(objects: Iterable[Object]) -> dict[str, list[Object]]:
    """Gather objects by the root that they belong to."""
    found: dict[str, list[Object]] = {}
    for o in objects:
        found.setdefault(o.parent or o.full_name, []).append(o)
    return found


def unveiled(objects: Iterable[Object], known: Iterable[Object]) -> list[Object]:
    """Return the objects, and of what is hidden in them what is known of it."""
    found = list(objects)
    if any(HIDDEN in o.traits for o in found):
        traits = {(o.kind, o.parent, o.name): o.traits for o in known}
        found = [_unveiled(o, traits.get((o.kind, o.parent, o.name), o.traits)) if HIDDEN in o.traits else o for o in found]
    return found


def _unveiled(o: Object, known: tuple[str | None, ...]) -> Object:
    return o._replace(traits=tuple(b if a == HIDDEN else a for a, b in zip(o.traits, known, strict=True)))


def digest(group: Iterable[Object]) -> str:
    """Return SHA-256 over the canonical form of a root's objects, "" where nothing counts."""
    objects = list(group)
    rotating = {o.full_name for o in objects if rotates(o)}
    lines = sorted(_canonical(o) for o in objects if o.kind not in OF_SERVER and (o.parent or o.full_name) not in rotating)
    return sha256(b"".join(lines)).hexdigest() if lines else ""


def rotates(o: Object) -> bool:
    """Tell whether a partition comes and goes by the clock: its bounds, which move on, are not said."""
    return o.kind == "partition" and o.trait("of") is not None and o.trait("bounds") in (None, HIDDEN)


def combined(digests: Iterable[str]) -> str:
    """Return the fingerprint of a schema from the digests of its roots."""
    return sha256("\n".join(sorted(d for d in digests if d)).encode()).hexdigest()


def dump(objects: Iterable[Object]) -> bytes:
    """Return the compressed form in which objects are kept."""
    rows = [[o.kind, o.parent, o.name, o.traits, o.identity, o.generated] for o in objects]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def load(data: bytes) -> list[Object]:
    return [Object(k, p, n, tuple(t) or (HIDDEN,) * len(TRAITS[k]), i, g) for k, p, n, t, i, g in json.loads(zlib.decompress(data))]


def _canonical(o: Object) -> bytes:
    # ascii() is as unambiguous as JSON, the same on every machine, and three times as fast.
    return ascii((o.kind, o.parent, "" if o.generated else o.name, o.traits)).encode() + b"\n"


def schema(server: str, objects: Iterable[Object]) -> Schema:
    """Build a schema; an object with the wrong number of traits is a mistake of the inspector (ValueError)."""
    everything = tuple(objects)
    for o in everything:
        if len(o.traits) != len(TRAITS[o.kind]):
            raise ValueError(f"{o.kind} {o.full_name} has {len(o.traits)} traits, not {TRAITS[o.kind]}")
    return Schema(server, everything)
