"""The engine's events as plain values: what of its stream counts here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tocsin.sources.docker.container import service_of

HEARD_ACTIONS = ("create", "start", "die", "kill", "oom", "destroy", "rename", "health_status", "update", "pause", "unpause")
"""Of the events on containers; what is run inside of them by exec is nobody's business."""

OVERLAP = 2 * 10**9
"""Events are stamped before they are put in order: a later one may bear an earlier time, by less than so many nanoseconds."""


_LONGEST_LINE = 2**20


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


def lines_of(response: Any) -> Iterator[bytes]:
    """Yield the lines of a stream as they arrive, but for those that are too long: an event repeats all labels of its container."""
    rest, is_too_long = bytearray(), False
    for piece in response.iter_content(None):
        *ends, last = piece.split(b"\n")
        for end in ends:
            if not is_too_long and len(rest) + len(end) <= _LONGEST_LINE:
                yield bytes(rest + end)
            rest, is_too_long = bytearray(), False
        rest += last
        if len(rest) > _LONGEST_LINE:
            rest, is_too_long = bytearray(), True


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
