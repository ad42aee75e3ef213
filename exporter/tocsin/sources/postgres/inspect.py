"""From PostgreSQL's catalogs to a schema: the gate, then what moved, then the definitions of that, each in one round trip."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tocsin.errors import CollectError, InternalError, LockedError
from tocsin.schema import track
from tocsin.schema.databases import observe_databases
from tocsin.schema.model import Object, Schema, by_root, schema
from tocsin.schema.snapshot import Snapshot, recall
from tocsin.source import Run
from tocsin.sources.postgres import gate, listen, objects, tables
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.gate import Listing, Moved, Seen
from tocsin.sources.postgres.parameters import limits
from tocsin.sources.postgres.session import PostgresSession
from tocsin.sources.postgres.trigger import TRIGGERS
from tocsin.sql import Result

# One picture of the catalogs. A lock is not waited for long: in the queue we would stand before the application.
# The planner knows little of these catalogs, and compiling takes longer than answering.
# In which form the server writes literals, and reads ours, must not depend on how the database is set.
_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SELECT set_config('lock_timeout', '100ms', true), set_config('jit', 'off', true), set_config('enable_mergejoin', 'off', true)",
    "SELECT set_config('standard_conforming_strings', 'on', true)",
)

# One that takes no connections now, as while it is given another name, is not gone.
_DATABASES = """
    SELECT datname, datallowconn AND has_database_privilege(oid, 'CONNECT'), oid
    FROM pg_database WHERE datallowconn OR NOT datistemplate
"""

_REST = 100
"""After a search of a standby's catalogs we rest so many times as long as it took: one percent of the time goes into it."""

_LOOK_EVERY = 60.0
"""After so many seconds the catalogs are searched though the gate is closed; later where that takes long."""


def collect_schema(session: PostgresSession, run: Run) -> None:
    """Check every watched database for schema changes: the cheap gate first, an inspection only behind it.

    A database that cannot be read now keeps its snapshot and is tried again. The first error is raised after
    the others have been checked, and what was found in them stands: one locked table hides no change elsewhere.
    """
    assert session.default is not None
    listed = session.default.query(_DATABASES, run.deadline)
    rows = sorted((_text(name), may_connect == b"t", _text(oid)) for name, may_connect, oid in listed.rows)
    _observe_databases(session, run, rows)
    run.keep()
    failures: list[CollectError] = []
    for name, may_connect, oid in rows:
        if may_connect and session.watches(name):
            try:
                _check(session, run, name, _numbering(session, run, oid))
                run.keep()
            except CollectError as error:
                failures.append(session.within(name, error))
                session.forget(name)
    if failures:
        failures[0].lost = any(f.lost for f in failures)
        raise failures[0]


def _observe_databases(session: PostgresSession, run: Run, rows: list[tuple[str, bool, str]]) -> None:
    before: dict[str, str] = json.loads(run.recall("databases") or b"{}")
    hidden = [name for name, may_connect, _ in rows if not may_connect and session.watches(name)]
    existing = {name: _numbering(session, run, oid) for name, _, oid in rows}
    observe_databases(run, existing, hidden, session.options.expected, own=("seen", "listing"))
    for name in {name for name, _ in before.items() ^ existing.items()}:
        session.begin_anew(name)


def _numbering(session: PostgresSession, run: Run, oid: str) -> str:
    """Return by what a database is known among those of all servers, and so what its objects' numbers are numbers in."""
    return f"{session.system(run.deadline)}.{oid}"


def _check(session: PostgresSession, run: Run, name: str, numbering: str) -> None:
    notices = listen.HEARD.take(session.options.name, name)
    try:
        _look_into(session, run, name, numbering, notices)
    except CollectError:
        listen.HEARD.put_back(session.options.name, name, notices)
        raise


def _look_into(session: PostgresSession, run: Run, name: str, numbering: str, notices: list[listen.Notice]) -> None:
    options = session.options
    connection = session.database(name, run.deadline)
    ((words, trigger),) = connection.query(f"{gate.GATE}, {listen.TRIGGER}", run.deadline).rows
    evidence = session.rested(name, _text(words))
    is_standby = gate.is_standby(evidence)
    if not is_standby:
        _tell_trigger(run, options.name, name, trigger)
    # A session keeps its counters back for seconds, and as long as it is in a transaction: what somebody told of is
    # looked for whatever they say, and the rest now and then.
    is_late = not is_standby and time.monotonic() > session.looks.setdefault(name, time.monotonic() + _LOOK_EVERY)
    if track.gate_is_closed(run, name, None if notices or is_late else evidence, options.full_inspection_every, options.expected):
        return
    summary = track.known(run, name)
    is_due = (
        summary is None
        or summary["server"] != server(connection)  # which describes the same in other words
        or time.time() - summary["inspected"] > options.full_inspection_every
    )
    began = time.monotonic()
    found = look(connection, None if is_due else recall(run, f"seen:{name}"), run.deadline)
    rest = _REST * (time.monotonic() - began)
    session.looks[name] = time.monotonic() + max(_LOOK_EVERY, rest)
    if is_standby:
        session.rest(name, evidence, rest)
    memory = Memory(
        lambda: Listing.load(recall(run, f"listing:{name}") or Listing().dump()),
        Snapshot(run, name).part,
    )
    reading = read_again(connection, found, memory, run.deadline)
    track.observe_roots(
        run, name, server(connection), reading.roots, evidence,
        gone=reading.gone, veiled=_veiled(connection, run.deadline), expected=options.expected,
        explain=listen.explain(notices, lambda: listen.HEARD.heard(options.name, name)), numbering=numbering,
    )  # fmt: skip
    if not found.nothing:
        run.remember(f"seen:{name}", found.now.dump())
    if reading.listing is not None:
        run.remember(f"listing:{name}", reading.listing.dump())


def _tell_trigger(run: Run, target: str, database: str, states: bytes | None) -> None:
    installed = len(states or b"") == len(TRIGGERS)
    acts = installed and all(state in b"AO" for state in states or b"")
    listen.HEARD.found(target, database, acts)
    run.emit(m.SCHEMA_TRIGGER_INSTALLED, int(installed), (database,))
    if installed:
        run.emit(m.SCHEMA_TRIGGER_ENABLED, int(acts), (database,))


def _veiled(connection: Connection, deadline: float) -> list[str]:
    """Return the kinds of which the role is shown the objects and not what they are."""
    return ["user mapping" for _ in connection.query(objects.VEILED, deadline).rows]


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known from before: the listing, and the objects of a root by its name."""

    listing: Callable[[], Listing]
    part: Callable[[str], list[Object]]


@dataclass(slots=True)
class Reading:
    """Roots that are being read; the names of those that are gone, None when all that are not read are; and the new listing, if any.

    The listing is complete when all the roots have been taken.
    """

    roots: Iterator[tuple[str, list[Object]]]
    gone: set[str] | None
    listing: Listing | None


def read_again(connection: Connection, found: Moved, memory: Memory, deadline: float) -> Reading:
    """Read what moved; where it cannot be told from others, or others may be written out in another way now, read everything."""
    if found.nothing:
        return Reading(iter(()), set(), None)
    partly = None if found.everything else _read_partly(connection, found, memory, deadline)
    if partly is not None:
        return partly
    listing = Listing(list_relations(connection, deadline))
    return Reading(_noting(inspect(connection, deadline), listing), None, listing)


def _read_partly(connection: Connection, found: Moved, memory: Memory, deadline: float) -> Reading | None:
    before = now = None
    if found.relisted or found.others:
        before = memory.listing()
        now = Listing(list_relations(connection, deadline) if found.relisted else before.relations, set(before.others))
        if before.ambiguous or any(before.relations.get(oid, entry)[0] != entry[0] for oid, entry in now.relations.items()):
            return None
        changed = {oid: entry[0] for oid, entry in now.relations.items() if before.relations.get(oid) != entry}
        found = replace(found, relations=found.relations | changed)
    fresh = list(inspect(connection, deadline, found))
    names = {root for root, _ in fresh}
    expected = set(found.relations.values())
    if before is not None and now is not None:
        expected |= before.names - now.names
        if found.others:
            expected |= before.others
            now.others = names - set(found.relations.values())
            if now.ambiguous:
                return None
    if gate.reaches_further((o for root in names | expected for o in memory.part(root)), (o for _, group in fresh for o in group)):
        return None
    return Reading(iter(fresh), expected - names, now)


def _noting(roots: Iterator[tuple[str, list[Object]]], listing: Listing) -> Iterator[tuple[str, list[Object]]]:
    """Pass roots on, and note the names of those that are no relations."""
    for root, group in roots:
        if any(not o.parent and o.kind not in tables.ROOTS for o in group) or all(o.parent for o in group):
            listing.others.add(root)
        yield root, group


def list_relations(connection: Connection, deadline: float) -> dict[str, list[str]]:
    """Return name and number of parts of every table, view and partition, by identity."""
    result = _together(connection, [*_BEGIN, gate.relations(None), "COMMIT"], deadline)[len(_BEGIN)]
    return {oid: entry for oid, *entry in _rows(result)[1:]}


def look(connection: Connection, before: bytes | None, deadline: float) -> Moved:
    """Tell what has moved since an earlier look, which is given as `Seen.dump()` made it; None stands for no earlier one.

    What an earlier look could not see yet, because its transaction had not ended, is always told by a later one.
    """
    seen = Seen.load(before) if before is not None else None
    horizon = seen.horizon if seen is not None else None
    version = connection.server_version
    statements = [*_BEGIN, gate.HORIZON, gate.relations(horizon), gate.catalogs(horizon, version), "COMMIT"]
    horizons, relations, catalogs = _together(connection, statements, deadline)[len(_BEGIN) : -1]
    ((now_at, told),) = _rows(horizons)
    (_, mark, _), *fresh = _rows(relations)
    counted = _rows(catalogs)
    counts = {catalog: int(count) for catalog, count, _ in counted}
    moved = {catalog for catalog, _, is_fresh in counted if is_fresh == "t"}
    return gate.judge(seen, Seen(told, int(now_at), mark, counts), {oid: name for oid, name, _ in fresh}, moved)


def inspect(connection: Connection, deadline: float, only: Moved | None = None) -> Iterator[tuple[str, list[Object]]]:
    """Yield every root with all that belongs to it, read in one transaction and one round trip; with `only`, those that moved.

    Tables and views come while the server still reads. Raises LockedError when somebody holds one of them exclusively: its
    definitions cannot be read then. Whoever does not take all of it leaves the connection unusable.
    """
    chosen = None if only is None or only.everything else sorted(only.relations)
    families = objects.FAMILIES if chosen is None or (only is not None and only.others) else ()
    version = connection.server_version
    statements = [*_BEGIN, *(family.sql(version) for family in families)]
    first = len(statements)
    if chosen is None or chosen:
        statements.append(tables.query(version, chosen))
    rest: dict[str, list[Object]] | None = None
    others: list[Object] = []
    try:
        connection.query(limits(deadline), deadline)
        for number, row in connection.stream([*statements, "COMMIT"], deadline):
            if number >= first:
                rest = by_root(others) if rest is None else rest
                group = list(tables.objects(row))
                root = group[0].full_name
                yield root, rest.pop(root, []) + group
            elif number >= len(_BEGIN):
                others += objects.objects(row)
    except InternalError as error:
        if _was_dropped(error):
            raise LockedError(f"{error}: it was dropped while it was read, tried again at the next run") from error
        raise
    yield from (by_root(others) if rest is None else rest).items()


def _was_dropped(error: InternalError) -> bool:
    return "XX000" in str(error) and ("could not open relation" in str(error) or "cache lookup failed" in str(error))


def read(connection: Connection, deadline: float) -> Schema:
    """Return the whole schema of the connection's database."""
    return schema(server(connection), (o for _, group in inspect(connection, deadline) for o in group))


def schemas(session: PostgresSession, deadline: float) -> Iterator[tuple[str, Schema]]:
    """Yield the schema of every watched database; of one that may not be entered, that it is hidden."""
    assert session.default is not None
    rows = sorted((_text(name), may_connect == b"t") for name, may_connect, _ in session.default.query(_DATABASES, deadline).rows)
    for name, may_connect in rows:
        if session.watches(name):
            yield name, read(session.database(name, deadline), deadline) if may_connect else Schema("", (), frozenset({"database"}))


def server(connection: Connection) -> str:
    return f"postgres {connection.server_version // 10000}"


def _together(connection: Connection, statements: list[str], deadline: float) -> list[Result]:
    """Run statements as one transaction and return their results; raises the first failure."""
    connection.send([limits(deadline)])
    connection.receive(deadline)
    connection.send_together(statements)
    results = connection.receive(deadline, len(statements))
    failed = next((r for r in results if isinstance(r, CollectError)), None)
    if failed is not None:
        connection.query("ROLLBACK", deadline)
        raise failed
    return [r for r in results if isinstance(r, Result)]


def _rows(result: Result) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in result.rows]


def _text(cell: bytes | None) -> str:
    return (cell or b"").decode("utf-8", "replace")
