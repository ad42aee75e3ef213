"""The expected schema: a file that says what a database should look like, and how the present differs from it.

The file is JSON with one object a line, so that its own history reads well: made by `tocsin schema export`,
renewed by `tocsin schema accept`, and kept beside the application's code. `kinds` names what is compared; an
application that cares for tables and columns alone needs no more in it.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tocsin import vitals
from tocsin.errors import SetupError
from tocsin.event import Change
from tocsin.schema.masked import masked
from tocsin.schema.model import ATTACHED, OF_SERVER, TRAITS, Object, Schema
from tocsin.source import Run

if TYPE_CHECKING:
    from tocsin.schema.difference import Difference

_log = logging.getLogger("tocsin.schema")

_FORMAT = 1
_LARGEST = 256 * 2**20
_MOST_OBJECTS = 20
_LONGEST_SHOWN = 40
_EXPORT = "tocsin schema export TARGET"
_REMEDY = f"take one of the two out, or write the file again with: {_EXPORT}"
_CALLED = {dict: "an object", list: "a list", str: "text", int: "a number", bool: "true or false"}
_ONE_DATABASE = ("sqlite", "duckdb")
"""Engines that have one database in each file."""

_T = TypeVar("_T")

WORDS = {Change.DROPPED: "missing", Change.ADDED: "unexpected", Change.ALTERED: "different", Change.RENAMED: "renamed"}
"""What a change from the expected schema to the present one is called."""

DEFAULT_KINDS = tuple(
    kind
    for kind in TRAITS
    if kind not in ("database", "partition", "partitions", *OF_SERVER, "owner", "grant", "default privileges", "comment")
)
"""What an exported file compares unless told otherwise: what the application sees, and not who owns it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file says: the kinds it speaks of, and a schema for each database."""

    kinds: frozenset[str]
    schemas: dict[str, Schema] = field(default_factory=dict)


def write(schemas: Iterable[tuple[str, Schema]], kinds: Iterable[str] = DEFAULT_KINDS) -> Iterator[str]:
    """Yield the lines of a file that expects these schemas."""
    chosen = [k for k in TRAITS if k in frozenset(kinds)]
    yield f'{{"format": {_FORMAT}, "kinds": {json.dumps(chosen)}, "databases": {{'
    comma = ""
    for database, schema in schemas:
        yield f'{comma}{json.dumps(database, ensure_ascii=False)}: {{"server": {json.dumps(schema.server)}, "objects": ['
        objects = sorted((o for o in schema.objects if o.kind in chosen), key=place)
        for i, o in enumerate(objects):
            yield json.dumps(as_dict(o), ensure_ascii=False) + "," * (i + 1 < len(objects))
        yield "]}"
        comma = ", "
    yield "}}"


def place(o: Object) -> tuple[str, bool, str, str]:
    """Return by what objects are put in order: each root with its parts behind it."""
    return (o.parent or o.full_name, bool(o.parent), o.kind, o.name)


def as_dict(o: Object) -> dict[str, Any]:
    """Return an object as the file has it: masked, for the file is read by many."""
    traits = {name: value for name, value in zip(TRAITS[o.kind], masked(o).traits, strict=True) if value is not None}
    where = {"parent": o.parent} if o.parent else {}
    return {"kind": o.kind, **where, "name": o.name} | traits | ({"generated_name": True} if o.generated else {})


def read(path: Path) -> Expected:
    """Read a file of expected schemas. Raises SetupError with what is wrong, and where; never anything else."""
    try:
        if path.stat().st_size > _LARGEST:
            raise SetupError(f"{path} is larger than {_LARGEST} bytes: not an expected schema")
        if not path.is_file() and not path.is_dir():  # reading a pipe or a device may never end
            raise SetupError(f"{path} is no regular file: write one with: {_EXPORT}")
        found = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=_once)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}; write it with: {_EXPORT}") from error
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{path} is not JSON: {error}; write it again with: {_EXPORT}") from error
    except _Wrong as error:
        raise SetupError(f"{path}: {error}: {_REMEDY}") from error
    try:
        return _expected(path, found)
    except (_Wrong, RecursionError) as error:
        raise SetupError(f"{path} is not an expected schema: {error}; write it again with: {_EXPORT}") from error


class _Wrong(Exception):
    """What is not as it should be, and where."""


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of the file. Raises _Wrong where a name stands in it twice, of which JSON would take the last."""
    found = dict(members)
    if len(found) < len(members):
        twice = next(name for name, count in Counter(name for name, _ in members).items() if count > 1)
        place = f" of {found['kind']} {found['name']}" if {"kind", "name"} <= found.keys() else ""
        raise _Wrong(f"{json.dumps(twice)}{place} stands twice in one object")
    return found


def _expected(path: Path, found: Any) -> Expected:
    whole = _typed(found, dict, "the file")
    number = _field(whole, "format", int, "the file")
    if number != _FORMAT:
        raise SetupError(f"{path} has format {number}, this version reads {_FORMAT}; write it again with: {_EXPORT}")
    named = Counter(_typed(kind, str, "a kind in `kinds`") for kind in _field(whole, "kinds", list, "the file"))
    kinds = frozenset(named)
    if twice := [kind for kind, count in named.items() if count > 1]:
        raise SetupError(f"{path}: the kind {twice[0]} stands twice in `kinds`: {_REMEDY}")
    unknown = kinds - TRAITS.keys()
    if unknown:
        raise SetupError(f"{path}: unknown kinds {', '.join(sorted(unknown))}; there are {', '.join(TRAITS)}")
    schemas = {}
    for name, value in _field(whole, "databases", dict, "the file").items():
        where = f"database {_text(name, 'the name of a database')}"
        one = _typed(value, dict, where)
        values = _field(one, "objects", list, where)
        objects = tuple(_from_dict(path, o, f"object {i} of {where}") for i, o in enumerate(values, 1))
        _check_each_is_there_once(path, objects, where)
        schemas[name] = Schema(_field(one, "server", str, where), objects)
    if not kinds:
        raise _Wrong("`kinds` of the file is empty, so that nothing would be compared")
    return Expected(kinds, schemas)


def _check_each_is_there_once(path: Path, objects: tuple[Object, ...], where: str) -> None:
    """Raise SetupError for two of one name, of which one would be compared. Names that the engine chose mean nothing."""
    seen: dict[tuple[str, str, str], int] = {}
    for i, o in enumerate(objects, 1):
        if o.generated:
            continue
        first = seen.setdefault((o.kind, o.parent, o.name), i)
        if first != i:
            which = f"{o.kind} {o.full_name}" if o.name else f"the {o.kind} of {o.parent}"
            raise SetupError(f"{path}: {which} stands twice in {where}, as object {first} and as object {i}: {_REMEDY}")


def _from_dict(path: Path, value: Any, where: str) -> Object:
    found = _typed(value, dict, where)
    kind, name = _field(found, "kind", str, where), _field(found, "name", str, where)
    if kind not in TRAITS:
        raise SetupError(f"{path}: {name}: unknown kind {kind}; there are {', '.join(TRAITS)}")
    unknown = found.keys() - {"kind", "parent", "name", "generated_name", *TRAITS[kind]}
    if unknown:
        raise SetupError(f"{path}: {kind} {name}: unknown {', '.join(sorted(unknown))}; a {kind} has {', '.join(TRAITS[kind])}")
    where = f"{where}, {kind} {name}"
    if not name and kind not in (*ATTACHED, "partitions"):
        raise _Wrong(f"{where}: its name is empty")
    traits = tuple(None if found.get(trait) is None else _field(found, trait, str, where) for trait in TRAITS[kind])
    parent = _field(found, "parent", str, where) if "parent" in found else ""
    return Object(kind, parent, name, traits, None, "generated_name" in found and _field(found, "generated_name", bool, where))


def _field(found: dict[str, Any], name: str, type_: type[_T], where: str) -> _T:
    if name not in found:
        raise _Wrong(f"{where} has no `{name}`")
    return _typed(found[name], type_, f"`{name}` of {where}")


def _typed(value: Any, type_: type[_T], where: str) -> _T:
    if type(value) is not type_:  # as JSON has it, where true is no number
        shown = json.dumps(value)
        raise _Wrong(f"{where} is {shown if len(shown) <= _LONGEST_SHOWN else f'{shown[:_LONGEST_SHOWN]}...'}, and not {_CALLED[type_]}")
    if isinstance(value, str):
        _text(value, where)
    return value


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Wrong(f"{where} is no text: {error.reason}") from error
    return value


def differences(expected: Expected, database: str, present: Schema) -> list[Difference]:
    """Return how the present schema differs from the expected one, in the kinds that the file speaks of.

    Both are masked, as the file is: what differs in a secret alone is no difference from what is expected.
    """
    from tocsin.schema.diff import diff  # only where a schema is expected

    here = Schema(present.server, tuple(masked(o)._replace(identity=None) for o in present.objects if o.kind in expected.kinds))
    wanted = expected.schemas[database]
    return diff(Schema(wanted.server, tuple(masked(o) for o in wanted.objects if o.kind in expected.kinds)), here)


def databases(path: Path | None) -> set[str]:
    """Return the databases that a file expects, none where it cannot be read."""
    signature = _signature(path)
    return set(_databases(path, *signature)) if path is not None and isinstance(signature, list) else set()


@lru_cache(maxsize=64)
def _databases(path: Path, *_signature: int) -> frozenset[str]:
    """Read a file again only when it is another one."""
    try:
        return frozenset(read(path).schemas)
    except SetupError:
        return frozenset()


def is_stale(summary: dict[str, Any], path: Path | None) -> bool:
    """Tell whether the file is another one than the summary's comparison was made with."""
    known = summary.get("drift")
    return (known["file"] if known else None) != _signature(path)


def compare(database: str, present: Schema, path: Path | None) -> dict[str, Any] | None:
    """Compare with the expected schema; return what `emit` says and a summary keeps, None where nothing is expected."""
    if path is None:
        return None
    found: dict[str, Any] = {"file": _signature(path), "readable": True, "counts": [], "objects": []}
    try:
        expected = read(path)
    except SetupError as error:
        _log.warning("the expected schema cannot be compared: %s", error)
        return found | {"readable": False}
    if database not in expected.schemas:
        return found | _other_databases(database, present, path, expected)
    told = [(d.subject.kind, d.subject.full_name, WORDS[d.change]) for d in differences(expected, database, present)]
    counts = Counter((kind, word) for kind, _, word in told)
    kinds = {o.kind for o in present.objects} | {o.kind for o in expected.schemas[database].objects}
    for kind in kinds & expected.kinds:
        for word in WORDS.values():
            counts.setdefault((kind, word), 0)
    return found | {"counts": sorted([*key, count] for key, count in counts.items()), "objects": told[:_MOST_OBJECTS]}


def _other_databases(database: str, present: Schema, path: Path, expected: Expected) -> dict[str, Any]:
    """Say that a file speaks of other databases alone: where an engine has one, that is a mistake, and not a choice."""
    if present.server.partition(" ")[0] not in _ONE_DATABASE:
        return {}
    named = sorted(expected.schemas)
    _log.warning("the expected schema in %s is of %s, and not of %s", path, ", ".join(named) or "no database", database)
    if not named:
        return {"readable": False}
    counts = [["database", WORDS[Change.DROPPED], len(named)]]
    return {"counts": counts, "objects": [("database", name, WORDS[Change.DROPPED]) for name in named[:_MOST_OBJECTS]]}


def _signature(path: Path | None) -> list[int] | str | None:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError as error:
        return type(error).__name__
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def emit(run: Run, database: str, found: dict[str, Any] | None) -> None:
    if found is None:
        return
    run.emit(vitals.SCHEMA_EXPECTED, int(found["readable"]), (database,))
    for kind, word, count in found["counts"]:
        run.emit(vitals.SCHEMA_DRIFT, count, (database, kind, word))
    for kind, name, word in found["objects"]:
        run.emit(vitals.SCHEMA_DRIFT_OBJECT, 1, (database, kind, name, word))
