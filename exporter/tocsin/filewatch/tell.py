"""From differences to events: each told once, none too often, all counted; and the series about them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from tocsin.event import Event, EventKind, Risk
from tocsin.filewatch import metrics as m
from tocsin.filewatch.compare import Difference, FileChange
from tocsin.filewatch.events import file_event
from tocsin.filewatch.state import shown
from tocsin.source import Run

_KEY = "told"
RECENT, RECENT_SECONDS = 50, 3600.0
_HOUR = 3600.0
_MOST_NAMED, _MOST_OFTEN = 20, 5_000
PER_HOUR, PER_FOLDER, PER_RUN = 12, 100, 5_000
_RISKS = list(Risk)
_GOING = (FileChange.DROPPED, FileChange.RENAMED)
"""Told of a file however often it changes; that it is another kind of thing bears on security, and is so too."""
_Sort = tuple[str, str, Risk, bool]
"""Directory, change, risk, and whether it bears on security."""


class _Often(NamedTuple):
    """How often something was told of one path of late."""

    began: float
    """When its hour did."""
    told: int = 0
    security: int = 0
    """Events told of it that bear on security; they are counted apart."""
    untold: int = 0
    """Changes that were counted only."""
    gone: int = 0
    """Events told of its going, under its name or altogether; they are counted apart, too."""


class _Recent(NamedTuple):
    at: float
    path: str
    object_kind: str
    change: str
    risk: Risk
    security: bool


class Teller:
    """What one run has to tell, written with what it remembers in one transaction."""

    def __init__(self, run: Run, *, per_hour: int = PER_HOUR, database: str | None = None) -> None:
        """At most `per_hour` events of one file in an hour, as many of its going, and as many that bear on security.

        Of what happens to many files of a directory at once the first hundred are told one by one, so that a flood of one sort
        hides nothing of another.
        """
        self._run = run
        self._per_hour = per_hour
        self._database = database
        self._now = time.time()
        kept: dict[str, Any] = json.loads(run.recall(_KEY) or b"{}")
        self._changes: dict[str, int] = kept.get("changes", {})
        self._recent = [
            _Recent(at, path, kind, change, Risk(risk), security) for at, path, kind, change, risk, security in kept.get("recent", [])
        ]
        self._often = {path: _Often(*numbers) for path, numbers in kept.get("often", {}).items()}
        self._moved = False
        self._told: Counter[_Sort] = Counter()
        self._summed: dict[_Sort, list[str]] = {}
        self._counts: Counter[_Sort] = Counter()

    def tell(self, difference: Difference, diff: str | None = None, **detail: Any) -> None:
        """Tell of one difference, or count it where it is one of too many."""
        event = file_event(difference, diff, **detail)
        self._count(event)
        before = self._often.get(event.object)
        verdict = self._admit(event)
        if verdict is None:
            return
        if verdict == FileChange.FLAPPING:
            d = difference
            event = file_event(Difference(d.path, FileChange.FLAPPING, d.old, d.new), per_hour=self._per_hour)
        elif before is not None and before.untold and not self._often[event.object].untold:
            event.detail["untold_before"] = before.untold
        if not self._has_room(event):
            self._sum_up(event)
        else:
            self._run.event(replace(event, database=self._database))

    def _admit(self, event: Event) -> FileChange | str | None:
        """Return None for what is counted only, FLAPPING for the event that says so."""
        often = self._often.get(event.object, _Often(self._now))
        if self._now - often.began > _HOUR and (not often.untold or often.told <= self._per_hour):
            often = _Often(self._now)
        if event.security and often.security < self._per_hour:
            self._often[event.object] = often._replace(security=often.security + 1)
            return ""
        if event.change in _GOING and often.gone < self._per_hour:
            self._often[event.object] = often._replace(gone=often.gone + 1)
            return ""
        began, told, untold = often.began, often.told, often.untold
        # An hour is over only when it was one without too many: each change that is not told begins it anew.
        verdict: FileChange | str | None = "" if told < self._per_hour else FileChange.FLAPPING if told == self._per_hour else None
        if told >= self._per_hour:
            began, untold = self._now, untold + 1
        self._often[event.object] = often._replace(began=began, told=told + 1, untold=untold)
        return verdict

    def _count(self, event: Event, times: int = 1) -> None:
        self._moved = True
        key = f"{event.change}|{event.risk}|{'yes' if event.security else 'no'}"
        self._changes[key] = self._changes.get(key, 0) + times
        self._recent.append(_Recent(self._now, event.object, event.object_kind, event.change, event.risk or Risk.SAFE, event.security))
        if len(self._recent) > 2 * RECENT:
            self._shorten()

    def _shorten(self) -> None:
        """Keep the newest, and rather what is bad than what is harmless."""
        keep = [r for r in self._recent if r.at > self._now - RECENT_SECONDS]
        by_weight = sorted(range(len(keep)), key=lambda i: (keep[i].security, _RISKS.index(keep[i].risk), i), reverse=True)[:RECENT]
        self._recent = [keep[i] for i in sorted(by_weight)]

    def _has_room(self, event: Event) -> bool:
        sort = _sort_of(event)
        self._told[sort] += 1
        return self._told[sort] <= PER_FOLDER and len(self._run.events) < PER_RUN

    def _sum_up(self, event: Event) -> None:
        sort = _sort_of(event)
        self._counts[sort] += 1
        names = self._summed.setdefault(sort, [])
        if len(names) < _MOST_NAMED:
            names.append(event.object)

    def summed_up(self) -> Iterable[Event]:
        for sort, count in self._counts.items():
            yield self._together(sort, f"{count} files at once: they are told together", count, self._summed[sort])

    def tell_as_one(self, folder: str, change: FileChange, risk: Risk, reason: str, paths: list[str], *, files: int) -> None:
        """Tell of what one cause did to many files of a directory."""
        some = [shown(path) for path in paths[:_MOST_NAMED]]
        event = self._together((shown(folder), change, risk, False), reason, files, some)
        self._count(event, files)
        self._run.event(event)

    def _together(self, sort: _Sort, reason: str, count: int, some: list[str]) -> Event:
        folder, change, risk, security = sort
        return Event(
            kind=EventKind.FILE,
            object_kind="files",
            object=folder,
            change=change,
            risk=risk,
            reason=reason,
            detail={"count": count, "some": some},
            security=security,
            database=self._database,
        )

    def finish(self) -> None:
        """Tell what was summed up, remember, and emit the series."""
        for event in self.summed_up():
            self._run.event(event)
        before = len(self._often)
        self._often = {p: o for p, o in self._often.items() if self._now - o.began <= _HOUR}
        if len(self._often) > _MOST_OFTEN:
            busiest = sorted(self._often, key=lambda p: self._often[p].told, reverse=True)[:_MOST_OFTEN]
            self._often = {p: self._often[p] for p in busiest}
        old = len(self._recent)
        self._shorten()
        if self._moved or len(self._often) != before or len(self._recent) != old:
            kept = {"changes": self._changes, "recent": self._recent, "often": self._often}
            self._run.remember(_KEY, json.dumps(kept, separators=(",", ":")).encode())
        self._emit()

    def _emit(self) -> None:
        for key, count in self._changes.items():
            change, risk, security = key.split("|")
            self._run.emit(m.CHANGES, count, (change, risk, security))
        newest = {(r.path, r.object_kind, r.change, r.risk, "yes" if r.security else "no"): r.at for r in self._recent}
        for labels, at in newest.items():
            self._run.emit(m.CHANGE_TIME, at, labels)
        for path in sorted(p for p, o in self._often.items() if o.untold)[:RECENT]:
            self._run.emit(m.FLAPPING, 1, (path,))


def _sort_of(event: Event) -> _Sort:
    return (event.object.rpartition("/")[0] or "/", event.change, event.risk or Risk.SAFE, event.security)


def key_of(prefix: str, path: str) -> str:
    """Return the key under which something of a path is remembered: text for whatever bytes the path is made of."""
    return f"{prefix}:{path.encode('utf-8', 'surrogateescape').decode('latin-1')}"


__all__ = ["PER_HOUR", "Teller", "key_of", "shown"]
