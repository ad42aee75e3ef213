"""What changed in a schema, as events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tocsin import mask
from tocsin.event import Change, Event, EventKind, Risk
from tocsin.schema.masked import masked
from tocsin.schema.model import Object

if TYPE_CHECKING:
    from tocsin.schema.difference import Difference

_LONGEST_DEFINITION = 10_000
_LONGEST_DIFF = 10_000

Explain: TypeAlias = "Callable[[Difference], dict[str, Any]]"
"""Gives what else is known about a change, such as who made it by which statement: the event's `detail`."""


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


def upgraded(database: str, old: str, new: str) -> Event:
    """Tell of another major version of the server."""
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


def seen_first(database: str, objects: list[Object]) -> Event:
    """Tell of what may be old, and could not be seen before."""
    counts = Counter(o.kind for o in objects)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    names = "\n".join(sorted(f"{o.kind} {o.full_name}" for o in objects))
    reason = f"seen for the first time: {said}; the role's privileges hid this before, so that it may be old or new"
    return _rebaselined(database, reason, None, _cut(names, _LONGEST_DEFINITION))


def another_server(old: str, new: str) -> Event:
    """Tell that another server answers where one was known."""
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
