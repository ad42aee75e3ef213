"""From an inspected schema to samples, events and the snapshot that the next run compares with."""

from __future__ import annotations

import json
import time
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
    before = run.recall(f"snapshot:{database}")
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
        "fingerprint": fingerprint,
        "objects": schema.counts(),
    }
    if before is None or known is None or known["fingerprint"] != fingerprint:
        run.remember(f"snapshot:{database}", schema.dump())
    run.remember(f"summary:{database}", json.dumps(summary).encode())
    _emit(run, database, summary)


def observe_databases(run: Run, existing: list[str]) -> None:
    """Tell which databases came and went, and forget what is gone."""
    known = run.recall("databases")
    if known is not None:
        before = set(json.loads(known))
        for name in sorted(before - set(existing)):
            run.event(schema_event(name, Difference(Change.DROPPED, Object("database", "", name), None)))
            run.remember(f"snapshot:{name}", None)
            run.remember(f"summary:{name}", None)
        for name in sorted(set(existing) - before):
            run.event(schema_event(name, Difference(Change.ADDED, None, Object("database", "", name))))
    fresh = json.dumps(sorted(existing)).encode()
    if known != fresh:
        run.remember("databases", fresh)


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


def _summary(run: Run, database: str) -> dict[str, Any] | None:
    data = run.recall(f"summary:{database}")
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
