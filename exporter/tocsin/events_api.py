"""What `/api/v1/events` and its stream take and give: parameters in, a filter of the journal out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tocsin.event import Event, EventKind, Risk
from tocsin.event_filter import EVERYTHING, Filter
from tocsin.journal import Journal

_DEFAULT_LIMIT = 100
_MOST_EVENTS = 1000
_LARGEST_ID = 2**63 - 1
_MOST_VALUES = 100
# Later than this in seconds is the year 5138: somebody gave milliseconds.
_LATEST = 1e11

SEVERAL: dict[str, str] = {
    "target": "name of a target",
    "kind": f"one of {', '.join(EventKind)}",
    "database": "name of a database",
    "object_kind": "kind of object: table, column, index, ...",
    "change": "what happened: added, dropped, altered, renamed, ...",
    "risk": f"one of {', '.join(Risk)}",
}
"""Parameters that may be given several times, each a value that will do, and what they take."""

SINGLE: dict[str, str] = {
    "security": "true or false: whether the change bears on who may do what",
    "since": "time from which on, in Unix seconds or as RFC 3339 (2026-11-21T04:00:00Z)",
    "until": "time before which, in Unix seconds or as RFC 3339",
    "since_id": "id after which; the answer's next_since_id gives the next page",
}

PAGING: dict[str, str] = {
    "before_id": "id before which; with order=newest the answer's next_before_id gives the next page",
    "order": "oldest or newest: which come first, and are kept when there are more than the limit; oldest without it",
    "limit": f"most events in one answer; {_DEFAULT_LIMIT} without it, {_MOST_EVENTS} at most",
}
"""Parameters that a stream has no use for."""

PARAMETERS = SEVERAL | SINGLE | PAGING

_CLOSED: dict[str, tuple[str, ...]] = {"kind": tuple(EventKind), "risk": tuple(Risk)}


class WrongParameterError(ValueError):
    """A request that cannot be understood; the message names the parameter and what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks for. `since_id` is None where it does not say."""

    chosen: Filter = EVERYTHING
    since_id: int | None = None
    before_id: int = _LARGEST_ID
    newest: bool = False
    limit: int = _DEFAULT_LIMIT


def parse(query: Mapping[str, list[str]], *, stream: bool = False) -> Request:
    """Read a request's parameters. Raises WrongParameterError."""
    known = SEVERAL | SINGLE if stream else PARAMETERS
    for name, values in query.items():
        if name not in known:
            raise WrongParameterError(f"{name!r} is no parameter here; there are {', '.join(known)}")
        if name not in SEVERAL and len(values) > 1:
            raise WrongParameterError(f"{name} is given {len(values)} times; it takes one value: {known[name]}")
        if len(values) > _MOST_VALUES:
            raise WrongParameterError(f"{name} is given {len(values)} times; {_MOST_VALUES} are the most")

    def one(name: str, read: Callable[[str], Any], default: Any) -> Any:
        try:
            return read(query[name][0]) if name in query else default
        except (ValueError, KeyError, OverflowError):
            raise WrongParameterError(f"{name}: {query[name][0]!r} is wrong; it takes: {known[name]}") from None

    for name, allowed in _CLOSED.items():
        for value in query.get(name, ()):
            if value not in allowed:
                raise WrongParameterError(f"{name}: {value!r} is wrong; it takes: {known[name]}; give it again for each further one")
    chosen = Filter(
        **{name: tuple(query.get(name, ())) for name in SEVERAL},
        security=one("security", lambda word: {"true": True, "false": False}[word.lower()], None),
        since=one("since", seconds, None),
        until=one("until", seconds, None),
    )
    return Request(
        chosen=chosen,
        since_id=one("since_id", _id, None),
        before_id=one("before_id", _id, _LARGEST_ID),
        newest=one("order", lambda word: {"oldest": False, "newest": True}[word], False),
        limit=one("limit", lambda word: max(1, min(int(word), _MOST_EVENTS)), _DEFAULT_LIMIT),
    )


def _id(text: str) -> int:
    return max(0, min(int(text), _LARGEST_ID))


def seconds(text: str) -> float:
    """Return a time in Unix seconds, given as such or in the form of RFC 3339. Raises ValueError."""
    try:
        number = float(text)
    except ValueError:
        # In an address + stands for a space.
        moment = datetime.fromisoformat(re.sub(r" (\d\d:\d\d)$", r"+\1", text))
        if moment.tzinfo is None:
            raise ValueError("no offset from UTC") from None
        return moment.timestamp()
    if not math.isfinite(number) or abs(number) > _LATEST:
        raise ValueError("not Unix seconds")
    return number


def iso(seconds: float | None) -> str:
    """Return Unix seconds as UTC with milliseconds, in the form of RFC 3339."""
    return datetime.fromtimestamp(seconds or 0, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_json(event: Event) -> dict[str, Any]:
    """Return an event in the form of the API."""
    return {
        "id": event.id, "time": iso(event.time), "target": event.target, "source": event.source, "kind": event.kind,
        "database": event.database, "object_kind": event.object_kind, "object": event.object, "change": event.change,
        "risk": event.risk, "reason": event.reason, "security": event.security, "old": event.old, "new": event.new, "detail": event.detail,
    }  # fmt: skip


def page(journal: Journal, request: Request) -> dict[str, Any]:
    """Return the answer to a request. Raises JournalError."""
    since = request.since_id or 0
    found = journal.events(request.chosen, since_id=since, before_id=request.before_id, limit=request.limit, newest=request.newest)
    answer: dict[str, Any] = {"events": [event_json(e) for e in found], "next_since_id": found[-1].id if found else since}
    if request.newest:
        answer["events"].reverse()
        answer["next_before_id"] = found[0].id if len(found) == request.limit else None
    return answer


def line(event: Event) -> str:
    """Return an event as the stream sends it, in one line."""
    return json.dumps(event_json(event), ensure_ascii=False)
