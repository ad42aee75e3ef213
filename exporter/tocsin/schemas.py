"""Schemas for the commands: read from a target once, beside a running exporter, or from a file of expected ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

from tocsin import catalog
from tocsin.config import Config
from tocsin.errors import SetupError
from tocsin.event import Change
from tocsin.options import TargetOptions
from tocsin.schema import drift
from tocsin.schema.diff import diff
from tocsin.schema.difference import Difference
from tocsin.schema.masked import masked
from tocsin.schema.model import TRAITS, Object, Schema, unveiled
from tocsin.source import Run


class Schemas(dict[str, Schema]):
    """Schemas by database. `hidden` are databases that may not be read; "" stands for others that may be there, whatever their names."""

    hidden: frozenset[str] = frozenset()


Pair = tuple[str, Schema, str, Schema]
"""Two databases to compare, each with its name."""


def of_target(options: TargetOptions, databases: Iterable[str], seconds: float) -> Schemas:
    """Read the schemas of a target's watched databases, or of those named. Raises CollectError."""
    source = catalog.source(options.kind)
    collector = source.collector("schema")
    if source.schemas is None or collector is None:
        raise SetupError(f"{options.name} is of kind {options.kind}, which has no schema")
    deadline = time.monotonic() + seconds
    session = source.open(options)
    try:
        session.begin([Run(collector, deadline)])
        everything = dict(source.schemas(session, deadline))
    finally:
        session.close()
    found = Schemas((name, schema) for name, schema in everything.items() if "database" not in schema.unseen)
    found.hidden = frozenset(everything.keys() - found.keys())
    return _chosen(found, databases, options.name)


def _chosen(found: Schemas, databases: Iterable[str], where: str) -> Schemas:
    wanted = list(databases)
    for name in wanted:
        if name in found.hidden:
            raise SetupError(f"{where} cannot see the database {name}: grant its role what it needs there")
        if name not in found:
            raise SetupError(f"{where} has no database {name} that is watched; there are: {', '.join(found) or 'none'}")
    return Schemas((name, found[name]) for name in wanted) if wanted else found


def gaps(found: Schemas, kinds: Iterable[str], expected: Iterable[str] = ()) -> list[str]:
    """Say what cannot be seen of these kinds for want of privileges, a phrase for each database.

    `expected` are databases that there should be: those that are not there may be hidden, too.
    """
    chosen = frozenset(kinds)
    partly = {name: [kind for kind in TRAITS if kind in schema.unseen & chosen] for name, schema in found.items()}
    wholly = (found.hidden - {""}) | frozenset(name for name in expected if "" in found.hidden and name not in found)
    return [f"cannot see every {', '.join(unseen)} of {name}" for name, unseen in partly.items() if unseen] + [
        f"cannot see the database {name}" for name in sorted(wholly)
    ]


def target(config: Config | None, name: str) -> TargetOptions:
    """Return a target's options. Raises SetupError."""
    targets = config.targets if config is not None else ()
    for options in targets:
        if options.name == name:
            return options
    known = ", ".join(t.name for t in targets)
    raise SetupError(f"no target is called {name}; " + (f"there are: {known}" if known else "give the configuration with --config"))


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison. `kinds` are those that it speaks of."""

    name: str
    schemas: Schemas
    kinds: frozenset[str]
    is_file: bool = False


def side(config: Config | None, word: str, databases: Iterable[str], seconds: float) -> Side:
    """Read what a word means: a target by its name, else a file of expected schemas."""
    names = [t.name for t in config.targets] if config is not None else []
    if word not in names and Path(word).is_file():
        expected = drift.read(Path(word))
        return Side(word, _chosen(Schemas(expected.schemas), databases, word), expected.kinds, is_file=True)
    if word not in names:
        known = f"there are the targets {', '.join(names)}" if names else "targets need the configuration: --config"
        raise SetupError(f"{word} is neither a target nor a file of expected schemas that exists; {known}")
    return Side(word, of_target(target(config, word), databases, seconds), frozenset(TRAITS))


def pairs(old: Side, new: Side, names: Iterable[tuple[str, str]] = ()) -> tuple[list[Pair], list[str], list[str]]:
    """Return which databases are compared, and which either side alone has.

    Without `names` they are paired by name; where each side has just one, the names do not matter. Raises SetupError for
    databases of different engines.
    """
    both, gone, come = _paired(old, new, list(names))
    # Where no name is on both sides, all would be told as gone and come.
    others = [(a, one, b, other) for a, one in old.schemas.items() for b, other in new.schemas.items()] if not both else []
    for a, one, b, other in (*both, *others):
        if _engine(one) != _engine(other):
            words = f"{a} of {old.name} is {one.server}, {b} of {new.name} is {other.server}"
            raise SetupError(
                f"{words}: engines describe the same objects in other words, which cannot be compared; choose two of one engine"
            )
    return both, gone, come


def _engine(schema: Schema) -> str:
    found = schema.server.partition(" ")[0]
    return "mysql" if found == "mariadb" else found


def other_names(old: Side, new: Side, both: Iterable[Pair]) -> list[tuple[str, str]]:
    """Return what a file calls by another name than the other side, where nobody said that it is the same: it may be another's file."""
    return [(a, b) for a, _, b, _ in both if a != b] if old.is_file or new.is_file else []


def _paired(old: Side, new: Side, given: list[tuple[str, str]]) -> tuple[list[Pair], list[str], list[str]]:
    if not given and len(old.schemas) == len(new.schemas) == 1:
        given = [(next(iter(old.schemas)), next(iter(new.schemas)))]
    if given:
        return [(a, old.schemas[a], b, new.schemas[b]) for a, b in given], [], []
    both = [(name, schema, name, new.schemas[name]) for name, schema in old.schemas.items() if name in new.schemas]
    return both, [n for n in old.schemas if n not in new.schemas], [n for n in new.schemas if n not in old.schemas]


def compare(old: Schema, new: Schema, kinds: frozenset[str]) -> list[Difference]:
    """Return how two schemas of different places differ, in some kinds.

    Numbers of the engine mean nothing between them. Both are masked, for a file of expected schemas is.
    """
    return diff(_reduced(old, kinds), _reduced(new, kinds))


def _reduced(schema: Schema, kinds: frozenset[str]) -> Schema:
    return Schema(schema.server, tuple(masked(o)._replace(identity=None) for o in schema.objects if o.kind in kinds))


def database_difference(old: str | None, new: str | None) -> Difference:
    """Return that a database went, came, or has another name."""
    change = Change.ADDED if old is None else Change.DROPPED if new is None else Change.RENAMED
    one, other = (None if name is None else Object("database", "", name) for name in (old, new))
    return Difference(change, one, other)


def write(path: Path, lines: Iterable[str], *, replace: bool) -> None:
    """Write a file whole or not at all. Raises SetupError; without `replace` also when there is one."""
    real = Path(os.path.realpath(path))  # a link stays a link
    part = real.with_name(f".{real.name}.{token_hex(8)}.part")
    try:
        with part.open("x", encoding="utf-8") as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), real.stat().st_mode & 0o7777)
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        _put(part, real, replace)
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, path: Path, replace: bool) -> None:
    if replace:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)  # fails where there is a file, also one that came just now
    except FileExistsError:
        raise SetupError(f"{path} is there already; give --force to write it anew, or accept TARGET to renew it") from None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What `accept` would write: the schemas, the kinds they are compared in, and what changes by it."""

    path: Path
    schemas: Schemas
    kinds: tuple[str, ...]
    changes: list[tuple[str, list[Difference]]]

    def lines(self) -> Iterable[str]:
        return drift.write(self.schemas.items(), self.kinds)


def acceptance(options: TargetOptions, databases: Iterable[str], seconds: float, *, partial: bool = False) -> Acceptance:
    """Compare a target with its file of expected schemas, for the present to take its place.

    Databases that are not asked for stay in the file as they are; with `partial` so does what cannot be seen, which is a
    SetupError without. Raises SetupError, CollectError.
    """
    path: Path | None = getattr(options, "expected", None)
    if path is None:
        raise SetupError(
            f"{options.name} has no `expected:` file in the configuration; name one there, or write one anywhere with: "
            f"tocsin schema export {options.name} -o FILE"
        )
    named = list(databases)
    known = drift.read(path) if path.exists() else drift.Expected(frozenset(drift.DEFAULT_KINDS))
    present = of_target(options, named, seconds)
    missing = gaps(present, known.kinds, () if named else known.schemas)
    if missing and not partial:
        raise SetupError(
            f"{options.name} {'; '.join(missing)}: what is hidden would be expected to be absent. Grant its role what this prints: "
            f"tocsin grants {options.kind}; or give --partial, and what {path} says of it stays"
        )
    hidden = {name for name in known.schemas if name in present.hidden or "" in present.hidden}
    kept = {name: schema for name, schema in known.schemas.items() if name not in present and (named or name in hidden)}
    present = Schemas((name, _with_hidden(schema, known.schemas.get(name))) for name, schema in present.items())
    changes = []
    for name, schema in present.items():
        old = known.schemas.get(name)
        found = compare(old, schema, known.kinds) if old is not None else [database_difference(None, name)]
        changes.append((name, found))
    changes += [(n, [database_difference(n, None)]) for n in known.schemas if n not in present and n not in kept]
    return Acceptance(path, Schemas({**kept, **present}), tuple(sorted(known.kinds)), [(n, d) for n, d in changes if d])


def _with_hidden(schema: Schema, known: Schema | None) -> Schema:
    """Return a schema with what was known of the kinds and the traits that cannot be seen, unless what it belonged to is gone."""
    if known is None:
        return schema
    schema = replace(schema, objects=tuple(unveiled(schema.objects, known.objects)))
    if not schema.unseen:
        return schema
    there = {(o.kind, o.parent, o.name) for o in schema.objects}
    roots = {o.full_name for o in schema.objects if not o.parent} | {o.full_name for o in known.objects if o.kind in schema.unseen}
    more = (o for o in known.objects if o.kind in schema.unseen and (o.kind, o.parent, o.name) not in there)
    return Schema(schema.server, schema.objects + tuple(o for o in more if not o.parent or o.parent in roots))
