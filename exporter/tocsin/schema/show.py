"""Schemas and differences as text for a person; what is a secret in them is masked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from tocsin.event import Change, one_line
from tocsin.schema.difference import Difference
from tocsin.schema.masked import masked
from tocsin.schema.model import ATTACHED, TRAITS, Object, Schema, by_root
from tocsin.schema.risk import weigh


def schema_lines(database: str, schema: Schema, kinds: Collection[str] = ()) -> Iterator[str]:
    """Yield a schema: tables with what belongs to them first, then the rest. With `kinds` only objects of those."""
    yield f"database {database} ({schema.server})"
    yield f"fingerprint {schema.fingerprint()}"
    counts = schema.counts()
    yield "objects: " + (", ".join(f"{counts[kind]} {kind}" for kind in TRAITS if kind in counts) or "none")
    order = list(TRAITS)
    groups = sorted(by_root(schema.objects).items(), key=lambda item: (order.index(_root(item[0], item[1]).kind), item[0]))
    for name, objects in groups:
        chosen = [o for o in objects if not kinds or o.kind in kinds]
        if chosen:
            yield ""
            yield from _group(_root(name, objects), chosen)


def _root(name: str, objects: list[Object]) -> Object:
    return next((o for o in objects if not o.parent), Object("database", "", name))


def _group(root: Object, objects: list[Object]) -> Iterator[str]:
    first, *more = masked(root).definition.splitlines() or [root.full_name]
    yield one_line(first if first.startswith(root.kind) else f"{root.kind} {first}")
    yield from (f"    {line}" for line in more)
    order = list(TRAITS)
    for o in sorted(
        (o for o in objects if o.parent), key=lambda o: (o.kind in ATTACHED, order.index(o.kind), o.name * (o.kind != "column"))
    ):
        first, *more = masked(o).definition.splitlines() or [""]
        if o.kind != "column" and not first.startswith((o.name or " ", f"{o.kind} ")):
            first = f"{o.kind} {o.name}: {first}" if o.name else f"{o.kind}: {first}"
        yield f"    {one_line(first)}"
        yield from (f"        {line}" for line in more)


def difference_lines(difference: Difference) -> Iterator[str]:
    """Yield a difference with its risk, its reason and both definitions."""
    verdict = weigh(difference)
    words = f"{verdict.risk}, security" if verdict.security else str(verdict.risk)
    new = difference.new
    to = f" to {new.full_name}" if difference.change is Change.RENAMED and new else ""
    subject = difference.subject
    yield f"{subject.kind} {one_line(subject.full_name)} {difference.change}{one_line(to)} ({words}): {verdict.reason}"
    for mark, side in (("-", difference.old), ("+", new)):
        if side is not None:
            yield from (f"  {mark} {line}" for line in masked(side).definition.splitlines())


def difference_json(database: str, difference: Difference) -> dict[str, Any]:
    """Return a difference in the words of an event."""
    verdict = weigh(difference)
    old, new = difference.old, difference.new
    return {
        "database": database,
        "object_kind": difference.subject.kind,
        "object": difference.subject.full_name,
        "change": difference.change,
        "new_name": new.full_name if difference.change is Change.RENAMED and new else None,
        "traits": difference.altered_traits() if difference.change is Change.ALTERED else [],
        "risk": verdict.risk,
        "reason": verdict.reason,
        "security": verdict.security,
        "old": masked(old).definition if old else None,
        "new": masked(new).definition if new else None,
    }


def summary(differences: Iterable[Difference]) -> str:
    """Count differences by risk, the heaviest first."""
    counts: dict[str, int] = {}
    for difference in differences:
        risk = weigh(difference).risk
        counts[risk] = counts.get(risk, 0) + 1
    total = sum(counts.values())
    words = ", ".join(f"{counts[r]} {r}" for r in ("destructive", "breaking", "cautious", "safe") if r in counts)
    return f"{total} difference{'s' * (total != 1)}: {words}" if total else "no difference"
