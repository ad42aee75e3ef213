"""Which databases of a server came, went and got another name, and what is remembered of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import vitals
from tocsin.event import Change
from tocsin.schema import drift
from tocsin.schema.model import Object
from tocsin.schema.snapshot import Snapshot, recall
from tocsin.source import Run

if TYPE_CHECKING:
    from tocsin.schema.difference import Difference


def observe_databases(
    run: Run,
    existing: Mapping[str, str | None],
    hidden: Collection[str] = (),
    expected: Path | None = None,
    *,
    own: Collection[str] = (),
    perhaps_old: Collection[str] = (),
) -> None:
    """Tell which databases came, went and got another name, by the engine's identity where it has one, else by their names.

    What was remembered of a database goes with it, and follows it to its new name; so does what the engine keeps beside
    under the keys `own`, each followed by a colon and the name. `hidden` are the watched ones whose schema may not be read,
    `perhaps_old` those that the role's privileges may have hidden until now.
    """
    kept = run.recall("databases")
    fresh = json.dumps(existing, sort_keys=True).encode()
    if kept != fresh:
        run.remember("databases", fresh)
        if kept is not None:
            _tell(run, json.loads(kept), existing, perhaps_old, ("summary", *own))
    for name in hidden:
        run.emit(vitals.SCHEMA_UNSEEN, 1, (name, "database"))
    for name in drift.databases(expected) - set(existing):
        run.emit(vitals.SCHEMA_DRIFT, 1, (name, "database", "missing"))


def _tell(
    run: Run, before: Mapping[str, str | None], now: Mapping[str, str | None], perhaps_old: Collection[str], kinds: Iterable[str]
) -> None:
    from tocsin.schema.tell import another_server, schema_event, seen_first

    if run.found and (servers := _servers(before, now)) is not None:
        run.event(another_server(*servers))
        _move(run, dict.fromkeys(before), kinds)
        return
    changes = _database_changes(before, now)
    for difference in changes:
        name = difference.subject.name
        is_news = difference.change is not Change.ADDED or name not in perhaps_old
        run.event(schema_event(name, difference) if is_news else seen_first(name, [difference.subject]))
    _move(run, {d.old.name: d.new.name if d.new else None for d in changes if d.old is not None}, kinds)


def _servers(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> tuple[str, str] | None:
    """Return by what numbers two servers tell themselves from others, as identities begin with them; None for one and the same."""
    old, new = ({one.partition(".")[0] for one in found.values() if one and "." in one} - {""} for found in (before, now))
    return (min(old), min(new)) if old and new and not old & new else None


def _database_changes(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[Difference]:
    """Compare databases. Those of a known identity are followed first: two may have changed names.

    One that was made again under its name, and is none of the others, goes on as the one that it replaced.
    """
    from tocsin.schema.difference import Difference

    names = {identity: name for name, identity in now.items() if identity is not None}
    moved = {name: names[identity] for name, identity in before.items() if identity in names and names[identity] != name}
    stayed = {name for name in before.keys() & now.keys() if name not in moved and name not in moved.values()}
    dropped = before.keys() - moved.keys() - stayed
    added = now.keys() - set(moved.values()) - stayed
    found = [Difference(Change.DROPPED, _database(name), None) for name in dropped]
    found += [Difference(Change.ADDED, None, _database(name)) for name in added]
    found += [Difference(Change.RENAMED, _database(old), _database(new)) for old, new in moved.items()]
    return sorted(found, key=lambda d: (d.subject.name, d.change))


def _database(name: str) -> Object:
    return Object("database", "", name)


def _move(run: Run, names: Mapping[str, str | None], kinds: Iterable[str]) -> None:
    """Have databases remembered under other names, or forgotten. All are taken up before any is put down: they may change places."""
    taken = [(new, Snapshot(run, old).take(), {kind: _take(run, f"{kind}:{old}") for kind in kinds}) for old, new in names.items()]
    for new, parts, rest in taken:
        if new is not None:
            Snapshot(run, new).put_down(parts)
            for kind, value in rest.items():
                if value is not None:
                    run.remember(f"{kind}:{new}", value)


def _take(run: Run, key: str) -> bytes | None:
    value = recall(run, key)
    if value is not None:
        run.remember(key, None)
    return value
