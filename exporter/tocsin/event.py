"""What can change: the events worth telling a person, and how bad each is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """Every kind of event; the value is what `/api/v1/events` shows and filters by."""

    SCHEMA = "schema"
    CONTAINER = "container"
    FILE = "file"
    NOTIFICATION = "notification"
    JOURNAL = "journal"


EVENT_HELP: dict[EventKind, str] = {
    EventKind.SCHEMA: "An object of a database's schema was added, dropped, altered or renamed.",
    EventKind.CONTAINER: "Something happened to a container: created, started, died, oom, crash_looping, health_changed, renamed, "
    "recreated, deployed (made anew from another image) or removed.",
    EventKind.FILE: "A watched file or directory was added, dropped, replaced, renamed, rotated or altered: content, permission, "
    "owner or kind.",
    EventKind.NOTIFICATION: "An alert that Alertmanager delivered to `POST /api/v1/notifications`, firing or resolved.",
    EventKind.JOURNAL: "The journal itself: a damaged or foreign file was moved aside and a new one begun.",
}


class Risk(StrEnum):
    """How much harm a change can do to those who use the object, least first."""

    SAFE = "safe"
    CAUTIOUS = "cautious"
    BREAKING = "breaking"
    DESTRUCTIVE = "destructive"


RISK_HELP: dict[Risk, str] = {
    Risk.SAFE: "Existing readers and writers go on as before.",
    Risk.CAUTIOUS: "Depends on the data or the load: may take locks, slow queries down or refuse some writes.",
    Risk.BREAKING: "Statements that worked before can fail or mean something else now.",
    Risk.DESTRUCTIVE: "Data is gone with the object.",
}


class Change(StrEnum):
    ADDED = "added"
    DROPPED = "dropped"
    ALTERED = "altered"
    RENAMED = "renamed"
    REBASELINED = "rebaselined"
    """Nothing changed: the server's major version did, which describes the same in other words, or more is seen than before."""


def one_line(text: str | None) -> str:
    """Return somebody else's text so that it cannot pretend to be more than a part of a log line."""
    return "".join(c if c.isprintable() else " " for c in text or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change. The journal adds the increasing id and, where the event has none, the time (Unix seconds)."""

    kind: EventKind
    object_kind: str
    object: str
    change: str
    target: str = ""
    source: str = ""
    database: str | None = None
    risk: Risk | None = None
    reason: str | None = None
    security: bool = False
    """Whether the change bears on who may do what."""
    old: str | None = None
    new: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    time: float | None = None
    id: int | None = None
