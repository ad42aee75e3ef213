"""From a server's information_schema to schemas, and what has to be read again once the gate says that something moved."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tocsin.errors import CollectError, LockedError
from tocsin.schema import track
from tocsin.schema.databases import observe_databases
from tocsin.schema.model import Object, Schema, by_root, schema
from tocsin.schema.snapshot import Snapshot
from tocsin.source import Run
from tocsin.sources.mysql import accounts
from tocsin.sources.mysql.definitions import Rows, objects
from tocsin.sources.mysql.gate import digest, evidence
from tocsin.sources.mysql.questions import MOST_LOOKUPS, Reader
from tocsin.sources.mysql.rights import Rights
from tocsin.sources.mysql.session import MARIADB, Connection, MysqlSession

SYSTEM = frozenset({"information_schema", "mysql", "performance_schema", "sys", "ndbinfo"})
"""Databases that belong to the server."""

_ATTEMPTS = 3
_PAUSE = 0.2
_REST_SHARE = 20
"""A schema in which nothing had changed rests this many times as long as it took to read: a twentieth of a server's core at most."""

_DATABASES = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"

Stamps = Mapping[str, tuple[str | None, str]]
"""By table the time of its definition, None where that tells nothing, and a digest of what belongs to it and moves no time."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was read of a database."""

    schema: Schema
    unseen: frozenset[str] = frozenset()
    """Kinds of objects that may be hidden for want of privileges."""
    unreadable: frozenset[str] = frozenset()
    """Tables that the server lists and cannot open, because they are damaged or their engine is missing."""
    stamps: Stamps = field(default_factory=dict)
    standing: frozenset[str] | None = None
    """Tables that had not moved and were not read again; None where everything was read."""

    def is_like(self, other: Inspection) -> bool:
        mine, theirs = ((i.unseen, i.unreadable, i.standing, i.schema.fingerprint()) for i in (self, other))
        return mine == theirs


def collect_schema(session: MysqlSession, run: Run) -> None:
    """Check every watched database for schema changes: the cheap gate first, an inspection only behind it.

    The gate is one for the whole server; behind it every watched database is looked at. One that cannot be read now
    keeps what is known of it and is tried again, and what was found in the others stands.
    """
    assert session.connection is not None
    options = session.options
    rights = _rights(session.connection, run.deadline)
    gate = _gate(session.connection, run.deadline, rights)
    names = _observe_databases(session, run, rights)
    fresh = accounts.observe(session, run, rights, _server(session.connection, run), _rights)
    run.keep()
    failures: list[CollectError] = []
    for name in names:
        if track.gate_is_closed(run, name, _rested(run, name, gate), options.full_inspection_every, options.expected):
            continue
        try:
            if not fresh:
                # A connection keeps the privileges on everything that it began with, whatever SHOW GRANTS says since.
                session.renew(run.deadline)
                fresh = True
            _check(session, run, name)
            run.keep()
        except CollectError as error:
            failures.append(error)
            if error.lost:
                break
    if failures:
        raise failures[0]


def read_schemas(session: MysqlSession, deadline: float) -> Iterator[tuple[str, Schema]]:
    """Yield the schema of every watched database; and one without a name where there may be others that are hidden."""
    assert session.connection is not None
    for name in _visible(session.connection, deadline):
        if session.options.watches(name):
            found, _ = inspect(session.connection, name, deadline)
            yield name, replace(found.schema, unseen=found.unseen | frozenset(["table"] * bool(found.unreadable)))
    if not _rights(session.connection, deadline).sees_every_database():
        yield "", Schema("", (), frozenset({"database"}))


def _observe_databases(session: MysqlSession, run: Run, rights: Rights) -> list[str]:
    """Tell which databases came and went, and return those that are watched and visible.

    One that is no longer shown to us because our privileges on it were taken away has not gone.
    """
    assert session.connection is not None
    visible = _visible(session.connection, run.deadline)
    kept = run.recall("databases")
    known: list[str] = list(json.loads(kept)) if kept else []
    if any(name not in visible and rights.reaches(name) for name in known):
        session.renew(run.deadline)  # it may have been granted since we logged in
        visible = _visible(session.connection, run.deadline)
    unlisted = [name for name in known if name not in visible]
    hidden = [name for name in unlisted if not rights.reaches(name)]
    for name in set(unlisted).difference(hidden):
        run.remember(f"stamps:{name}", None)
        run.remember(f"rest:{name}", None)
    watched = [name for name in hidden if session.options.watches(name)]
    server = _server(session.connection, run)
    everything = {name: f"{server}.{name}" if server else None for name in (*visible, *hidden)}
    observe_databases(run, everything, watched, session.options.expected, perhaps_old=_perhaps_old(run, visible, rights))
    return [name for name in visible if session.options.watches(name)]


def _server(connection: Connection, run: Run) -> str:
    """Return by what a server that was merely found tells itself from others; empty for MariaDB, which has nothing of the kind.

    Its `server_uid` is made of the network card's address and the port, which two containers in a row have in common.
    """
    if not run.found or connection.version >= MARIADB:
        return ""
    ((uuid,),) = connection.query("SELECT @@server_uuid", run.deadline).rows
    return (uuid or b"").decode("ascii", "replace")


def _perhaps_old(run: Run, visible: list[str], rights: Rights) -> list[str]:
    """Return the databases that may have been there at the last look: our privileges were others then, and did not show us all."""
    kept = run.recall("sight")
    before = json.loads(kept) if kept else None
    now = {"rights": digest(rights), "all": rights.sees_every_database()}
    if now != before:
        run.remember("sight", json.dumps(now).encode())
    return visible if before is not None and not before["all"] and before["rights"] != now["rights"] else []


def _visible(connection: Connection, deadline: float) -> list[str]:
    found = [(name or b"").decode("utf-8", "replace") for (name,) in connection.query(_DATABASES, deadline).rows]
    return sorted(name for name in found if name.lower() not in SYSTEM)


def _rights(connection: Connection, deadline: float) -> Rights:
    return Rights.read((line or b"").decode("utf-8", "replace") for (line,) in connection.query("SHOW GRANTS", deadline).rows)


def _gate(connection: Connection, deadline: float, rights: Rights) -> str:
    return f"{evidence(connection, deadline)};{digest(rights)}"


def _rested(run: Run, name: str, gate: str) -> str:
    """Return the gate, or the one that is known, which is closed, while the schema rests from having been read in vain."""
    rest = run.recall(f"rest:{name}")
    summary = track.known(run, name)
    known: str = (summary and summary["gate"]) or gate
    if rest is None or time.time() > float(rest) or known.rpartition(";")[2] != gate.rpartition(";")[2]:
        return gate  # not where our privileges are others now
    return known


def _check(session: MysqlSession, run: Run, name: str) -> None:
    """Inspect a database and have what is new told."""
    assert session.connection is not None
    began = time.time()
    before = track.known(run, name)
    found, gate = inspect(session.connection, name, run.deadline, _stamps_of(session, run, name))
    roots = by_root(found.schema.objects)
    snapshot = Snapshot(run, name)
    roots = {**roots, **{table: snapshot.part(table) for table in found.unreadable}}
    gone = None if found.standing is None else set(snapshot.marks) - roots.keys() - found.standing
    track.observe_roots(
        run, name, found.schema.server, roots.items(), gate, gone=gone, unseen=found.unseen, expected=session.options.expected
    )
    run.remember(f"stamps:{name}", json.dumps(found.stamps).encode() if found.stamps else None)
    after = track.known(run, name)
    in_vain = before is not None and after is not None and before["fingerprint"] == after["fingerprint"]
    run.remember(f"rest:{name}", str(time.time() + _REST_SHARE * (time.time() - began)).encode() if in_vain else None)


def _stamps_of(session: MysqlSession, run: Run, name: str) -> tuple[Stamps, str, list[str]] | None:
    """Return what an earlier inspection says of each table, with the server and what was unseen then; None for a full inspection."""
    summary, kept = track.known(run, name), run.recall(f"stamps:{name}")
    if summary is None or kept is None or time.time() - summary["inspected"] > session.options.full_inspection_every:
        return None
    return {table: (stamp, rest) for table, (stamp, rest) in json.loads(kept).items()}, summary["server"], summary["unseen"]


def inspect(
    connection: Connection, database: str, deadline: float, before: tuple[Stamps, str, list[str]] | None = None
) -> tuple[Inspection, str]:
    """Return a database's schema as it stood while nobody changed it, or was the same twice, and the gate from before.

    information_schema has no snapshots: a table that is dropped between two questions would seem to have lost its columns.
    Raises LockedError when somebody holds a table exclusively, or keeps changing the schema.
    """
    last: Inspection | None = None
    reason = LockedError(f"the schema of {database} kept changing while it was read; tried again at the next run")
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
        rights = _rights(connection, deadline)
        gate = _gate(connection, deadline, rights)
        try:
            found = _read(Reader(connection, database, deadline, rights), connection.version, database, before)
        except LockedError as error:
            reason, last = error, None
            continue
        same = rights == _rights(connection, deadline)
        if same and (gate == _gate(connection, deadline, rights) or (last is not None and last.is_like(found))):
            return found, gate
        last = found if same else None
    raise reason


def _read(reader: Reader, version: int, database: str, before: tuple[Stamps, str, list[str]] | None) -> Inspection:
    """Read a database once: what has moved since `before`, or everything."""
    server = f"{'mariadb' if version >= MARIADB else 'mysql'} {version // 10000}"
    tables = reader.names()
    listed = {row[0] for row in tables}
    rows = reader.programs()
    stamps = _stamps(tables, rows) if reader.mariadb else {}
    standing: frozenset[str] | None = None
    if before is not None and before[1:] == (server, sorted(reader.unseen)):
        unmoved = frozenset(name for name, stamp in stamps.items() if stamp[0] and before[0].get(name) == stamp)
        again = [row for row in tables if row[0] not in unmoved]
        if len(again) <= MOST_LOOKUPS:
            standing, tables = unmoved, again
    rows |= reader.details(tables, None if standing is None else [row[0] or "" for row in tables])
    known = {row[0] for row in rows["columns"]}
    unreadable = frozenset(
        row[0] or "" for row in tables if row[1] != "VIEW" and (row[2] is None or (row[0] not in known and "column" not in reader.unseen))
    )
    found = [
        o
        for o in objects(rows, database, reader.mariadb)
        # InnoDB's own catalog knows of the foreign keys of tables that are hidden, too.
        if _is_told(o, standing or (), unreadable, reader.unseen) and (o.kind != "constraint" or o.parent in listed)
    ]
    return Inspection(schema(server, found), reader.unseen, unreadable, stamps, standing)


def _stamps(tables: Rows, rows: Mapping[str, Rows]) -> Stamps:
    """Return by what tables are known not to have moved: the time of their definition, and what belongs to them and moves no time."""
    others: dict[str | None, list[object]] = {}
    for question, column in (("references", 0), ("rules", 0), ("triggers", 0), ("grants", 1)):
        for row in rows[question]:
            others.setdefault(row[column], []).append(tuple(row))
    # A routine or an event may have a table's name, and what is remembered is by name.
    shared = {row[1] for row in rows["routines"]} | {row[0] for row in rows["events"]}
    return {
        name or "": (None if name in shared else stamp, digest(sorted(others.get(name, ()), key=repr)))
        for name, form, *_, stamp in tables
        if form not in ("VIEW", "SEQUENCE")
    }


def _is_told(o: Object, standing: frozenset[str] | tuple[()], unreadable: frozenset[str], unseen: frozenset[str]) -> bool:
    """Tell whether an object has been read in full: not a part of a table that was not read again, nor one without its definition."""
    root = o.parent or o.full_name
    return root not in standing and root not in unreadable and not (o.kind in unseen and o.kind in ("view", "function", "procedure"))
