"""The engine's events as plain values: what of its stream counts here."""

from __future__ import annotations

import json
from typing import NamedTuple

from tocsin.sources.docker.container import service_of

HEARD_ACTIONS = ("create", "start", "die", "kill", "oom", "destroy", "rename", "health_status", "update", "pause", "unpause")
"""Of the events on containers; what is run inside of them by exec is nobody's business."""

OVERLAP = 2 * 10**9
"""Events are stamped before they are put in order: a later one may bear an earlier time, by less than so many nanoseconds."""


class Heard(NamedTuple):
    """One event of the engine's stream. `time` is in Unix nanoseconds."""

    time: int
    id: str
    action: str
    name: str
    image: str
    service: str
    extra: str
    """The exit code of die, the signal of kill, the old name of rename, the status of health_status."""

    @property
    def key(self) -> str:
        return f"{self.time}:{self.id[:8]}:{self.action}"


def heard_of(line: bytes) -> Heard | None:
    """Return the event of one line of the stream, None for what is no event that counts here."""
    try:
        told = json.loads(line)
        action, _, words = str(told.get("Action", "")).partition(": ")
        if told.get("Type") != "container" or action not in HEARD_ACTIONS:
            return None
        actor = told["Actor"]
        attributes = actor.get("Attributes") or {}
        extra = {
            "die": attributes.get("exitCode"), "kill": attributes.get("signal"), "rename": attributes.get("oldName"),
            "health_status": words,
        }.get(action)  # fmt: skip
        return Heard(
            int(told["timeNano"]), actor["ID"], action, str(attributes.get("name", "")), str(attributes.get("image", "")),
            service_of(attributes), str(extra or "").lstrip("/"),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
