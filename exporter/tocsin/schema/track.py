"""From an inspected schema to samples, events and the snapshot that the next run compares with."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tocsin import mask, vitals
from tocsin.event import Change, Event, EventKind, Risk
from tocsin.schema import drift
from tocsin.schema.masked import masked
from tocsin.schema.model import HIDDEN, OF_SERVER, Object, Schema, by_root, rotates, unveiled
from tocsin.schema.snapshot import Snapshot, mark, recall
from tocsin.source import Run

if TYPE_CHECKING:
    from tocsin.schema.diff import Difference

_LONGEST_DEFINITION = 10_000
_LONGEST_DIFF = 10_000
_ROTATED_SECONDS, _MOST_ROTATED = 7 * 86400.0, 1000
"""How long a table that was a partition by range is known as one, and of how many: they are detached first, and dropped later."""

Explain: TypeAlias = "Callable[[Difference], dict[str, Any]]"
"""Gives what else is known about a change, such as who made it by which statement: the event's `detail`."""


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
        summary["rotated"] = {}
    rotated = _rotated(moved, summary)
    if summary is not None and summary["server"] == server:
        _tell(run, database, server, moved, {**summary, "rotated": rotated}, unseen, explain)
    elif summary is not None:
        run.event(_upgraded(database, summary["server"], server))
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
        "rotated": rotated,
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


def _rotated(moved: _Moved, summary: dict[str, Any] | None) -> dict[str, float]:
    """Return the identities of tables that were partitions by range not long ago, with the time when that was seen."""
    now = time.time()
    partitions = {o.identity for o in moved.old if rotates(o)}
    found = {id: seen for id, seen in (summary or {}).get("rotated", {}).items() if now - seen < _ROTATED_SECONDS}
    found |= {o.identity: now for o in moved.new if o.kind == "table" and o.identity and o.identity in partitions}
    return dict(sorted(found.items(), key=lambda item: item[1])[-_MOST_ROTATED:])


def _never_seen(summary: dict[str, Any]) -> set[str]:
    """Return the kinds of which something may have been hidden at each inspection so far: what is known of them was never all."""
    return set(summary.get("never_seen", summary["unseen"]))


def _tell(
    run: Run, database: str, server: str, moved: _Moved, before: dict[str, Any], unseen: Collection[str], explain: Explain | None
) -> None:
    """Write an event for each change; of what may have been there before, and merely is seen now, one for all."""
    if not moved.old and not moved.new:
        return
    from tocsin.schema.diff import diff  # and with it all that follows renames: only where something has changed

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
        run.event(_seen_first(database, perhaps_old))


def _seen_first(database: str, objects: list[Object]) -> Event:
    counts = Counter(o.kind for o in objects)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    names = "\n".join(sorted(f"{o.kind} {o.full_name}" for o in objects))
    reason = f"seen for the first time: {said}; the role's privileges hid this before, so that it may be old or new"
    return _rebaselined(database, reason, None, _cut(names, _LONGEST_DEFINITION))


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
    if kept is not None and run.found and (servers := _servers(json.loads(kept), existing)) is not None:
        run.event(_another_server(*servers))
        _move(run, dict.fromkeys(json.loads(kept)), ("summary", *own))
    elif kept is not None:
        changes = _database_changes(json.loads(kept), existing)
        for difference in changes:
            name = difference.subject.name
            is_news = difference.change is not Change.ADDED or name not in perhaps_old
            run.event(schema_event(name, difference) if is_news else _seen_first(name, [difference.subject]))
        _move(run, {d.old.name: d.new.name if d.new else None for d in changes if d.old is not None}, ("summary", *own))
    fresh = json.dumps(existing, sort_keys=True).encode()
    if kept != fresh:
        run.remember("databases", fresh)
    for name in hidden:
        run.emit(vitals.SCHEMA_UNSEEN, 1, (name, "database"))
    for name in drift.databases(expected) - set(existing):
        run.emit(vitals.SCHEMA_DRIFT, 1, (name, "database", "missing"))


def _servers(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> tuple[str, str] | None:
    """Return by what numbers two servers tell themselves from others, as identities begin with them; None for one and the same."""
    old, new = ({one.partition(".")[0] for one in found.values() if one and "." in one} - {""} for found in (before, now))
    return (min(old), min(new)) if old and new and not old & new else None


def _another_server(old: str, new: str) -> Event:
    return Event(
        kind=EventKind.SCHEMA,
        object_kind="server",
        object=new,
        change=Change.REBASELINED,
        risk=Risk.SAFE,
        reason="another server was found under this name: changes are told from here on",
        old=old,
        new=new,
    )


def _database_changes(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[Difference]:
    """Compare databases. Those of a known identity are followed first: two may have changed names.

    One that was made again under its name, and is none of the others, goes on as the one that it replaced.
    """
    if before == now:
        return []
    from tocsin.schema.diff import Difference

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


def schema_event(database: str, difference: Difference, explain: Explain | None = None) -> Event:
    """Say a difference as an event. Secrets are masked; long definitions are cut, with what differs in them beside."""
    from tocsin.schema.risk import weigh

    risk, reason, security = weigh(difference)
    subject = difference.subject
    old = masked(difference.old).definition if difference.old else None
    new = masked(difference.new).definition if difference.new else None
    detail: dict[str, Any] = {}
    if difference.change is Change.RENAMED and difference.new:
        detail["new_name"] = difference.new.full_name
    elif difference.change is Change.ALTERED:
        detail["traits"] = difference.altered_traits()
        if old == new and difference.old and difference.new and difference.old.definition != difference.new.definition:
            detail["diff"] = mask.ONLY_MASKED
        elif old and new and old != new and "\n" in old + new:
            import difflib  # only where a definition was rewritten

            lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "old", "new", lineterm="", n=2)
            detail["diff"] = _cut("\n".join(lines), _LONGEST_DIFF)
    if difference.objects is not None:
        detail["objects"] = difference.objects
    return Event(
        kind=EventKind.SCHEMA,
        database=database,
        object_kind=subject.kind,
        object=subject.full_name,
        change=difference.change,
        risk=risk,
        reason=reason,
        security=security,
        old=_cut(old, _LONGEST_DEFINITION),
        new=_cut(new, _LONGEST_DEFINITION),
        detail=detail | (explain(difference) if explain else {}),
    )


def _cut(text: str | None, longest: int) -> str | None:
    return text if text is None or len(text) <= longest else f"{text[:longest]} ... ({len(text) - longest} characters more)"


def _upgraded(database: str, old: str, new: str) -> Event:
    reason = "the server's major version changed, which describes the same objects in other words: changes are told from here on"
    return _rebaselined(database, reason, old, new)


def _rebaselined(database: str, reason: str, old: str | None, new: str | None) -> Event:
    return Event(
        kind=EventKind.SCHEMA,
        database=database,
        object_kind="database",
        object=database,
        change=Change.REBASELINED,
        risk=Risk.SAFE,
        reason=reason,
        old=old,
        new=new,
    )


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
