"""From an inspected schema to samples, events and the snapshot that the next run compares with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from tocsin import vitals
from tocsin.event import Change, Event, EventKind
from tocsin.schema.diff import Difference, diff
from tocsin.schema.model import Object, Schema
from tocsin.schema.risk import weigh
from tocsin.source import Run


def gate_is_closed(run: Run, database: str, gate: str | None, full_check_after: float) -> bool:
    """Tell whether the cheap check says that nothing moved since the last full inspection.

    `gate` is the engine's cheap evidence as text, None where it has none. However closed, it opens again
    `full_check_after` seconds after the last inspection. When closed, the known series are emitted.
    """
    summary = _summary(run, database)
    if summary is None or gate is None or summary["gate"] != gate or time.time() - summary["inspected"] > full_check_after:
        return False
    _emit(run, database, summary)
    return True


def observe(run: Run, database: str, schema: Schema, gate: str | None) -> None:
    """Compare a fresh inspection with the remembered one; emit its series, its events, and remember it.

    The first inspection, and the first after the server's major version changed, becomes the baseline
    without events: between major versions the same object is described in different words.
    """
    before = _recall(run, f"snapshot:{database}")
    known = _summary(run, database)
    fingerprint = schema.fingerprint()
    if before is not None and known is not None and known["fingerprint"] != fingerprint:
        old = Schema.load(before)
        if old.server == schema.server:
            for difference in diff(old, schema):
                run.event(schema_event(database, difference))
    summary: dict[str, Any] = {
        "gate": gate,
        "inspected": time.time(),
        "inspections": (known["inspections"] if known else 0) + 1,
        "server": schema.server,
        "fingerprint": fingerprint,
        "objects": schema.counts(),
    }
    if before is None or known is None or (known.get("server"), known["fingerprint"]) != (schema.server, fingerprint):
        run.remember(f"snapshot:{database}", schema.dump())
    run.remember(f"summary:{database}", json.dumps(summary).encode())
    _emit(run, database, summary)


def observe_databases(run: Run, existing: Mapping[str, str | None]) -> None:
    """Tell which databases came, went and got another name, by their names and the engine's identity where it has one.

    What was remembered of a database goes with it, and follows it to its new name.
    """
    known = run.recall("databases")
    if known is not None:
        for difference in diff(_databases(json.loads(known)), _databases(existing)):
            run.event(schema_event(difference.subject.name, difference))
            if difference.old is not None:
                for what in ("snapshot", "summary"):
                    if difference.new is not None:
                        run.remember(f"{what}:{difference.new.name}", _recall(run, f"{what}:{difference.old.name}"))
                    run.remember(f"{what}:{difference.old.name}", None)
    fresh = json.dumps(existing, sort_keys=True).encode()
    if known != fresh:
        run.remember("databases", fresh)


def _databases(names: Mapping[str, str | None]) -> Schema:
    return Schema("", tuple(Object("database", "", name, (), identity) for name, identity in names.items()))


def schema_event(database: str, difference: Difference) -> Event:
    """Say a difference as an event."""
    risk, reason = weigh(difference)
    subject = difference.subject
    detail: dict[str, Any] = {}
    if difference.change is Change.RENAMED and difference.new:
        detail = {"new_name": difference.new.full_name}
    elif difference.change is Change.ALTERED:
        detail = {"traits": difference.altered_traits()}
    return Event(
        kind=EventKind.SCHEMA,
        database=database,
        object_kind=subject.kind,
        object=subject.full_name,
        change=difference.change,
        risk=risk,
        reason=reason,
        old=difference.old.definition if difference.old else None,
        new=difference.new.definition if difference.new else None,
        detail=detail,
    )


def _recall(run: Run, key: str) -> bytes | None:
    """Return what this run has already set out to remember, else what an earlier one did."""
    return run.remembered[key] if key in run.remembered else run.recall(key)


def _summary(run: Run, database: str) -> dict[str, Any] | None:
    data = _recall(run, f"summary:{database}")
    found: dict[str, Any] | None = json.loads(data) if data else None
    return found


def _emit(run: Run, database: str, summary: dict[str, Any]) -> None:
    fingerprint = summary["fingerprint"]
    run.emit(vitals.SCHEMA_INFO, 1, (database, fingerprint))
    # 52 bits: a float64 holds them exactly, so that two equal numbers mean two equal fingerprints' heads.
    run.emit(vitals.SCHEMA_FINGERPRINT, int(fingerprint[:13], 16), (database,))
    for kind, count in summary["objects"].items():
        run.emit(vitals.SCHEMA_OBJECTS, count, (database, kind))
    run.emit(vitals.SCHEMA_LAST_CHECK, time.time(), (database,))
    run.emit(vitals.SCHEMA_INSPECTIONS, summary["inspections"], (database,))
