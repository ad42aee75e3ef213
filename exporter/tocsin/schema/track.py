"""From an inspected schema to samples, events and the snapshot that the next run compares with."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin import vitals
from tocsin.event import Change
from tocsin.schema import drift
from tocsin.schema.model import HIDDEN, OF_SERVER, Object, Schema, by_root, rotates, unveiled
from tocsin.schema.snapshot import Snapshot, mark, recall
from tocsin.source import Run

if TYPE_CHECKING:
    from tocsin.schema.tell import Explain

_ROTATED_SECONDS, _MOST_ROTATED = 7 * 86400.0, 1000
"""How long a table that was a partition by range is known as one, and of how many: they are detached first, and dropped later."""


def gate_is_closed(run: Run, database: str, gate: str | None, full_check_after: float, expected: Path | None = None) -> bool:
    """Tell whether the cheap check says that nothing moved since the last inspection.

    `gate` is the engine's cheap evidence as text, None where it has none. However closed, it opens again
    `full_check_after` seconds after the last full inspection. When closed, the known series are emitted.
    """
    summary = known(run, database)
    if summary is None or gate is None or summary["gate"] != gate or time.time() - summary["inspected"] > full_check_after:
        return False
    if drift.is_stale(summary, expected):
        _compare_with_expected(database, summary, Snapshot(run, database), expected)
        run.remember(f"summary:{database}", json.dumps(summary).encode())
    _emit(run, database, summary)
    return True


def observe(
    run: Run,
    database: str,
    schema: Schema,
    gate: str | None,
    *,
    unseen: Collection[str] = (),
    expected: Path | None = None,
    explain: Explain | None = None,
) -> None:
    """Compare a fresh inspection with the remembered one; emit its series, its events, and remember it.

    The first inspection becomes the baseline without events. `unseen` are the kinds of objects that cannot be seen, for
    want of privileges: what was known of them stands. When they are seen again what came meanwhile is told, and of kinds
    that never were seen as a whole only how much is seen now: whether that is new nobody knows.
    """
    observe_roots(run, database, schema.server, by_root(schema.objects).items(), gate, unseen=unseen, expected=expected, explain=explain)


def observe_roots(
    run: Run,
    database: str,
    server: str,
    roots: Iterable[tuple[str, list[Object]]],
    gate: str | None,
    *,
    gone: Iterable[str] | None = None,
    unseen: Collection[str] = (),
    veiled: Collection[str] = (),
    expected: Path | None = None,
    explain: Explain | None = None,
    numbering: str | None = None,
) -> None:
    """Do what `observe` does with objects that come root by root, each root once with all that belongs to it.

    With `gone`, the roots that are no more, `roots` are only those that were read again, and all others stand.
    `veiled` are the kinds of which objects are seen, and some of their traits not. Identities are compared only within one
    `numbering`: a database that was made again from a dump deals out the same numbers anew.
    """
    summary = known(run, database)
    snapshot = Snapshot(run, database)
    if summary is None or not snapshot.existed:
        summary, snapshot.marks = None, {}
    missing = set(snapshot.marks) if gone is None else set(gone) & set(snapshot.marks)
    moved = _take_in(snapshot, _and_missing(roots, missing), unseen, baseline=summary is None)
    counts = moved.counts
    if summary is not None and gone is not None:
        counts = Counter(summary["objects"])
        counts.subtract(o.kind for o in moved.old)
        counts.update(o.kind for o in moved.new)
    if summary is not None and numbering != summary.get("numbering", numbering):
        moved.old = [o._replace(identity=None) for o in moved.old]
        summary = summary | {"attached": {}, "rotated": {}}
    turned = _turned(moved, summary)
    if summary is not None:
        _tell(run, database, server, moved, summary | turned, unseen, explain)
    fresh: dict[str, Any] = {
        "gate": gate,
        "inspected": time.time() if summary is None or gone is None else summary["inspected"],
        "inspections": (summary["inspections"] if summary else 0) + 1,
        "server": server,
        "numbering": numbering,
        "fingerprint": snapshot.fingerprint(),
        "objects": {kind: count for kind, count in sorted(counts.items()) if count > 0 and kind not in OF_SERVER},
        "unseen": sorted(unseen),
        "never_seen": sorted(set(unseen) & _never_seen(summary) if summary else unseen),
        "veiled": sorted(veiled),
        "drift": summary["drift"] if summary else None,
        **turned,
    }
    changed = summary is None or bool(moved.old or moved.new)
    if changed:
        snapshot.save()
    if changed or drift.is_stale(fresh, expected):
        _compare_with_expected(database, fresh, snapshot, expected)
    run.remember(f"summary:{database}", json.dumps(fresh).encode())
    _emit(run, database, fresh)


@dataclass(slots=True)
class _Moved:
    """All objects of the roots that are not as they were remembered, as they were and as they are; and how many there are in all."""

    snapshot: Snapshot
    old: list[Object] = field(default_factory=list)
    new: list[Object] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def complete(self) -> None:
        """Add, on both sides, what is as it was and tells more of what is not: rights that are kept apart, the tables of partitions."""
        there = {o.parent or o.full_name for o in (*self.old, *self.new)}
        wanted = {f"{o.kind} {o.full_name}" for o in (*self.old, *self.new) if not o.parent}
        tables = {o.identity for o in (*self.old, *self.new) if o.kind == "table"}
        wanted |= {o.trait("of") or "" for o in (*self.old, *self.new) if o.kind == "partition" and o.identity in tables}
        for root in sorted(wanted - there):
            more = self.snapshot.part(root)
            self.old += more
            self.new += more

    def rest(self) -> Iterator[Object]:
        """Yield the objects of all other roots."""
        moved = {o.parent or o.full_name for o in (*self.old, *self.new)}
        for root in self.snapshot.marks.keys() - moved:
            yield from self.snapshot.part(root)


def _and_missing(roots: Iterable[tuple[str, list[Object]]], missing: set[str]) -> Iterator[tuple[str, list[Object]]]:
    """Yield the roots that were found, and then the missing ones that were not, with no objects."""
    for root, objects in roots:
        missing.discard(root)
        yield root, objects
    for root in sorted(missing):
        yield root, []


def _take_in(snapshot: Snapshot, roots: Iterable[tuple[str, list[Object]]], unseen: Collection[str], *, baseline: bool) -> _Moved:
    moved = _Moved(snapshot)
    for root, seen in roots:
        before = snapshot.part(root) if unseen or any(HIDDEN in o.traits for o in seen) else None
        objects = unveiled(seen + _carried(before or [], seen, unseen), before or [])
        moved.counts.update(o.kind for o in objects)
        if objects and snapshot.marks.get(root) == mark(objects):
            continue
        moved.old += snapshot.part(root) if before is None else before
        if not baseline:  # which need not be held in memory
            moved.new += objects
        snapshot.put(root, objects)
    return moved


def _carried(before: list[Object], seen: list[Object], unseen: Collection[str]) -> list[Object]:
    """Return what was known of the kinds that cannot be seen now."""
    if not unseen:
        return []
    there = {(o.kind, o.parent, o.name) for o in seen}
    return [o for o in before if o.kind in unseen and (o.kind, o.parent, o.name) not in there]


def _turned(moved: _Moved, summary: dict[str, Any] | None) -> dict[str, dict[str, float]]:
    """Return what became a partition not long ago, and what was one by range and became a table: by identity, with the time.

    No old partition is what was a table only days before it was one, or took the name of another table: somebody works with it.
    """
    tables = [{o.identity: o.full_name for o in objects if o.kind == "table" and o.identity} for objects in (moved.old, moved.new)]
    partitions = [{o.identity for o in objects if o.kind == "partition"} for objects in (moved.old, moved.new)]
    rotating = {o.identity for o in moved.old if o.identity and rotates(o)}
    held = {name: id for id, name in tables[0].items()}
    attached = _recent(summary, "attached", tables[0].keys() & partitions[1])
    rotated = _recent(summary, "rotated", rotating & tables[1].keys())
    for id, name in tables[1].items():
        if id in attached or held.get(name, id) != id:
            rotated.pop(id, None)
    return {"attached": attached, "rotated": {id: seen for id, seen in rotated.items() if id not in partitions[1]}}


def _recent(summary: dict[str, Any] | None, key: str, more: set[str]) -> dict[str, float]:
    now = time.time()
    found = {id: seen for id, seen in (summary or {}).get(key, {}).items() if now - seen < _ROTATED_SECONDS}
    found |= dict.fromkeys(more, now)
    return dict(sorted(found.items(), key=lambda item: item[1])[-_MOST_ROTATED:])


def _never_seen(summary: dict[str, Any]) -> set[str]:
    """Return the kinds of which something may have been hidden at each inspection so far: what is known of them was never all."""
    return set(summary.get("never_seen", summary["unseen"]))


def _tell(
    run: Run, database: str, server: str, moved: _Moved, before: dict[str, Any], unseen: Collection[str], explain: Explain | None
) -> None:
    """Write an event for each change; of what may have been there before, and merely is seen now, one for all."""
    if before["server"] == server and not moved.old and not moved.new:
        return
    from tocsin.schema.diff import diff  # and with it all that follows renames: only where something has changed
    from tocsin.schema.tell import schema_event, seen_first, upgraded

    if before["server"] != server:
        run.event(upgraded(database, before["server"], server))
        return
    moved.complete()
    seen_before = {(o.parent, o.kind) for o in moved.old if o.parent and o.kind in unseen}
    never_seen, perhaps_old = _never_seen(before), []
    for difference in diff(Schema(server, tuple(moved.old)), Schema(server, tuple(moved.new)), moved.rest):
        o = difference.subject
        # Where others of its kind were seen beside it, and no more of them is seen now than then, it has come since.
        was_hidden = difference.change is Change.ADDED and o.kind in before["unseen"] and (o.parent, o.kind) not in seen_before
        if was_hidden and o.kind in never_seen:
            perhaps_old.append(o)
            continue
        if difference.old is not None and difference.old.kind == "table" and difference.old.identity in before["rotated"]:
            difference = replace(difference, has_rotated=True)
        event = schema_event(database, difference, explain)
        run.event(replace(event, reason=f"{event.reason}; it came while it could not be seen") if was_hidden else event)
    if perhaps_old:
        run.event(seen_first(database, perhaps_old))


def known(run: Run, database: str) -> dict[str, Any] | None:
    """Return what was summed up at the last inspection: `gate`, `inspected` (Unix seconds), `server`, ... None before the first."""
    data = recall(run, f"summary:{database}")
    found: dict[str, Any] | None = json.loads(data) if data else None
    return found


def _compare_with_expected(database: str, summary: dict[str, Any], snapshot: Snapshot, expected: Path | None) -> None:
    present = Schema(summary["server"], tuple(snapshot.objects())) if expected else Schema("", ())
    summary["drift"] = drift.compare(database, present, expected)


def _emit(run: Run, database: str, summary: dict[str, Any]) -> None:
    fingerprint = summary["fingerprint"]
    run.emit(vitals.SCHEMA_INFO, 1, (database, fingerprint))
    # 52 bits: a float64 holds them exactly, so that two equal numbers mean two equal fingerprints' heads.
    run.emit(vitals.SCHEMA_FINGERPRINT, int(fingerprint[:13], 16), (database,))
    for kind, count in summary["objects"].items():
        run.emit(vitals.SCHEMA_OBJECTS, count, (database, kind))
    run.emit(vitals.SCHEMA_LAST_CHECK, time.time(), (database,))
    run.emit(vitals.SCHEMA_INSPECTIONS, summary["inspections"], (database,))
    for kind in sorted({*summary["unseen"], *summary.get("veiled", ())}):
        run.emit(vitals.SCHEMA_UNSEEN, 1, (database, kind))
    drift.emit(run, database, summary["drift"])
