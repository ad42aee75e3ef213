"""What happened to containers: the engine's events and looks at its containers in, changes out. Pure: no clock, no network.

A container's run is known by the container's id and the time it was started. Events tell what happened as it happens; a look
tells what they have not told: after a gap (the engine was restarted, the stream was cut, the exporter was down, more happened
than the engine remembers) the two differ, and what must have happened between is concluded, once the difference has stood
for a while in which its event would have come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tocsin.sources.docker.container import Container
from tocsin.sources.docker.heard import OVERLAP, Heard

SETTLED = 3.0
"""Seconds after which the event that would explain a difference is not to come any more."""

LOOP_CRASHES, LOOP_SECONDS = 3, 600.0
_GONE_SECONDS = 3600.0
_MOST_GONE, _MOST_RECENT = 500, 5_000
_SAME_RUN = 10 * 10**9
_HARMLESS_SIGNALS = {"1", "10", "12", "17", "18", "23", "28", "HUP", "USR1", "USR2", "CHLD", "CONT", "URG", "WINCH"}
"""Signals by which nobody means to stop a container; numbers as on Linux."""

YES, NO, UNKNOWN = PLANNED = ("yes", "no", "unknown")


@dataclass(slots=True)
class Known:
    """A container as it stands by all that was concluded so far."""

    key: str
    name: str
    image: str
    image_id: str = ""
    started: int = 0
    exact: bool = False
    """Whether `started` is the time of a start event, which comes after the engine's own StartedAt."""
    running: bool = False
    killed: bool = False
    oom: bool = False
    restarts: int = 0
    health: str = ""


@dataclass(slots=True)
class History:
    """What is told of one name, or of one service of compose, across its containers."""

    name: str
    image: str
    id: str
    image_id: str = ""
    deaths: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLANNED, 0))
    ooms: int = 0
    starts: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    crashes: list[float] = field(default_factory=list)
    looping: bool = False
    crashed: bool = False
    """Whether it is down since an unplanned death."""
    exit_code: int | None = None
    last_crash: float = 0.0
    last_oom: float = 0.0
    deployed: float = 0.0
    deployed_from: str = ""
    gone: float | None = None


def _fields(one: Any) -> dict[str, Any]:
    """Return what dataclasses.asdict does, at a tenth of its cost: this runs for each container."""
    return {name: getattr(one, name) for name in one.__slots__}


class Change(NamedTuple):
    """One thing that happened to a container. `time` is in Unix seconds."""

    time: float
    change: str
    name: str
    reason: str
    old: str | None
    new: str | None
    detail: dict[str, Any]


@dataclass(slots=True)
class State:
    """Everything that is remembered between runs."""

    last: int = 0
    recent: list[str] = field(default_factory=list)
    containers: dict[str, Known] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    unexplained: dict[str, float] = field(default_factory=dict)
    """Since when a look differs from what events told. Not kept: who was away must wait for the events of that time first."""

    def dump(self) -> bytes:
        told = {key: value for key, value in _fields(self).items() if key != "unexplained"}
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False, default=_fields).encode()

    @classmethod
    def load(cls, text: bytes) -> State:
        """Raises ValueError, TypeError or KeyError for what another version wrote."""
        told = json.loads(text)
        told["containers"] = {id: Known(**known) for id, known in told["containers"].items()}
        told["histories"] = {key: History(**history) for key, history in told["histories"].items()}
        return cls(**told)


def baseline(seen: Mapping[str, Container], heard: Iterable[Heard], now: float) -> State:
    """Return the state of a first look, at a time of the engine's clock: everything stands as it does, and nothing has happened."""
    state = State(last=int(now) * 10**9)
    _remember(state, heard)
    for container in seen.values():
        _settle(state, container)
        history = _history(state, state.containers[container.id], container.id)
        if not container.running and container.finished:
            history.exit_code = container.exit_code
    return state


def advance(state: State, heard: Iterable[Heard], seen: Mapping[str, Container], now: float) -> list[Change]:
    """Take in events, then a look that was made after them, and return what happened, oldest first. Changes the state."""
    step = _Step(state, seen, now)
    told, since = set(state.recent), state.last - OVERLAP
    # A new connection repeats what the one before it had heard already: the same event may be there twice.
    fresh = sorted({event for event in heard if event.time >= since and event.key not in told})
    for event in fresh:
        step.event(event)
    _remember(state, fresh)
    step.compare()
    step.tidy()
    return step.changes


def _remember(state: State, events: Iterable[Heard]) -> None:
    events = list(events)
    state.last = max([state.last, *(event.time for event in events)])
    keys = [*state.recent, *(event.key for event in events)]
    state.recent = [key for key in keys if int(key.partition(":")[0]) >= state.last - OVERLAP][-_MOST_RECENT:]


def _settle(state: State, container: Container) -> None:
    """Take a container as the look shows it."""
    before = state.containers.get(container.id)
    known = before or Known(container.service or container.name, container.name, container.image)
    known.name, known.image_id, known.health = container.name, container.image_id, container.health
    known.image = container.image or known.image
    if container.started > known.started:
        known.started, known.exact = container.started, False
    known.running, known.restarts = container.running, container.restart_count
    state.containers[container.id] = known


def _history(state: State, known: Known, id: str) -> History:
    history = state.histories.get(known.key)
    if history is None:
        history = state.histories[known.key] = History(known.name, known.image, id, known.image_id)
    return history


class _Step:
    def __init__(self, state: State, seen: Mapping[str, Container], now: float) -> None:
        self.state = state
        self.seen = seen
        self.now = now
        self.changes: list[Change] = []

    def event(self, event: Heard) -> None:
        if event.id in self.state.gone:
            return
        at = event.time / 1e9
        known = self.state.containers.get(event.id)
        if event.action == "destroy":
            self.removed(event.id, at, event)
        elif event.action == "create" or known is None:
            known = known or self.appeared(event.id, at, event.name, event.image, event.service)
        if known is not None and event.time >= known.started:
            handler = getattr(self, f"on_{event.action}", None)
            if handler is not None:
                handler(event, known, at)

    def on_start(self, event: Heard, known: Known, at: float) -> None:
        if known.running and not known.exact and event.time - known.started < _SAME_RUN:
            known.started, known.exact = event.time, True  # a look had seen it before its event came
            return
        if known.running:
            self.died(event.id, known, at, UNKNOWN, None, "its end was not seen")
        known.started, known.exact = event.time, True
        self.started(event.id, known, at)

    def on_kill(self, event: Heard, known: Known, at: float) -> None:  # noqa: ARG002 -- as the others
        if event.extra.removeprefix("SIG") not in _HARMLESS_SIGNALS:
            known.killed = True

    def on_oom(self, event: Heard, known: Known, at: float) -> None:
        known.oom = True
        self.out_of_memory(event.id, known, at)

    def on_die(self, event: Heard, known: Known, at: float) -> None:
        if not known.running and known.started:
            return  # concluded already
        seen = self.seen.get(event.id)
        code = int(event.extra) if event.extra.lstrip("-").isdecimal() else None
        if known.killed:
            planned, why = YES, "it was told to stop"
        elif known.oom or (seen is not None and seen.oom_killed and seen.exit_code == code):
            planned, why = NO, "the kernel killed it for want of memory"
            if not known.oom:
                self.out_of_memory(event.id, known, at)
        elif code == 0 and (seen is None or seen.restart_policy not in ("always", "unless-stopped")):
            planned, why = YES, "it had done its work"
        else:
            planned, why = NO, "nobody told it to stop"
        self.died(event.id, known, at, planned, code, why)

    def on_rename(self, event: Heard, known: Known, at: float) -> None:
        self.renamed(event.id, known, at, event.name)

    def on_health_status(self, event: Heard, known: Known, at: float) -> None:
        self.health(event.id, known, at, event.extra)

    def appeared(self, id: str, at: float, name: str, image: str, service: str) -> Known:
        """Note a container that was not known: a new one, or one that takes the place of another."""
        seen = self.seen.get(id)
        known = Known(service or name, name, image, seen.image_id if seen else "")
        before = self.state.histories.get(known.key)
        self.state.containers[id] = known
        if before is None:
            _history(self.state, known, id)
            self.tell(at, "created", id, known, f"from the image {image}")
            return known
        if name.endswith(f"_{before.name}"):  # compose gives it the name when the old one is gone
            known.name = name = before.name
        old_image = before.image_id or before.image
        new_image = known.image_id if before.image_id and known.image_id else known.image
        replaced = {"replaces": before.id[:12]}
        changed = new_image != (before.image_id if before.image_id and known.image_id else before.image)
        before.name, before.image, before.id, before.gone = name, image, id, None
        before.image_id, before.crashed = known.image_id, False
        if changed:
            before.deployed, before.deployed_from = at, old_image
            self.tell(at, "deployed", id, known, "made anew from another image", old_image, new_image, **replaced)
        else:
            self.tell(at, "recreated", id, known, "made anew from the same image", **replaced)
        return known

    def started(self, id: str, known: Known, at: float) -> None:
        known.running, known.killed, known.oom = True, False, False
        history = _history(self.state, known, id)
        history.starts += 1
        history.crashed = False
        self.tell(at, "started", id, known, "", restart_count=self.restarts(id, known))

    def died(self, id: str, known: Known, at: float, planned: str, code: int | None, why: str) -> None:
        known.running = False
        history = _history(self.state, known, id)
        history.deaths[planned] += 1
        history.exit_code = code
        history.crashed = planned == NO
        words = {YES: "planned", NO: "unplanned", UNKNOWN: "unseen"}[planned]
        exit_code = "" if code is None else f"exit code {code}, "
        self.tell(
            at, "died", id, known, f"{words}: {exit_code}{why}", planned=planned, exit_code=code, restart_count=self.restarts(id, known)
        )
        if planned == NO:
            history.last_crash = at
            history.crashes = [*history.crashes, at][-100:]
            within = [t for t in history.crashes if t > at - LOOP_SECONDS]
            if len(within) >= LOOP_CRASHES and not history.looping:
                history.looping = True
                minutes = round(LOOP_SECONDS / 60)
                self.tell(at, "crash_looping", id, known, f"died unplanned {len(within)} times within {minutes} minutes", exit_code=code)

    def out_of_memory(self, id: str, known: Known, at: float) -> None:
        history = _history(self.state, known, id)
        history.ooms += 1
        history.last_oom = at
        self.tell(at, "oom", id, known, "the kernel killed a process of it: the container was at its memory limit")

    def renamed(self, id: str, known: Known, at: float, name: str) -> None:
        if not name or name == known.name:
            return
        old, known.name = known.name, name
        if known.key == old:  # not compose's: the history goes with the name
            history = self.state.histories.pop(old, None)
            known.key = name
            if history is not None:
                history.name = name
                self.state.histories[name] = history
        elif (history := self.state.histories.get(known.key)) is not None and history.id == id:
            history.name = name
        self.tell(at, "renamed", id, known, "", old, name)

    def health(self, id: str, known: Known, at: float, status: str) -> None:
        if status == known.health:
            return
        old, known.health = known.health, status
        if status != "starting" and not (old in ("", "starting") and status in ("", "healthy")):
            self.tell(at, "health_changed", id, known, f"now {status or 'without a check'}", old or None, status or None)

    def removed(self, id: str, at: float, event: Heard | None = None) -> None:
        known = self.state.containers.pop(id, None)
        self.state.gone = [*self.state.gone, id][-_MOST_GONE:]
        if known is None:
            if event is None:
                return
            known = Known(event.service or event.name, event.name, event.image)
        elif known.running:
            self.died(id, known, at, YES if known.killed else UNKNOWN, None, "its end was not seen")
        self.tell(at, "removed", id, known, "")
        history = self.state.histories.get(known.key)
        if history is not None and history.id == id:
            history.gone, history.crashed = at, False

    def compare(self) -> None:
        """Conclude what the look shows and no event has told, where it has been so for long enough."""
        for id in [*self.seen, *(id for id in self.state.containers if id not in self.seen)]:
            known, seen = self.state.containers.get(id), self.seen.get(id)
            if id in self.state.gone or (seen is not None and known is not None and self._agree(known, seen)):
                self.state.unexplained.pop(id, None)
                if known is not None and seen is not None:
                    self._take(id, known, seen)
                continue
            if self.now >= self.state.unexplained.setdefault(id, self.now) + SETTLED:
                del self.state.unexplained[id]
                if seen is None:
                    self.removed(id, self.now)
                else:
                    self.conclude(id, known, seen)
        self.state.unexplained = {id: at for id, at in self.state.unexplained.items() if id in self.seen or id in self.state.containers}

    @staticmethod
    def _agree(known: Known, seen: Container) -> bool:
        same_run = seen.started <= known.started
        return same_run and seen.running == known.running and seen.name == known.name and seen.health in (known.health, "starting", "")

    def _take(self, id: str, known: Known, seen: Container) -> None:
        """Take what events do not tell."""
        known.image_id, known.restarts = seen.image_id, seen.restart_count
        known.health = seen.health
        history = self.state.histories.get(known.key)
        if history is not None and history.id == id:
            history.image_id = seen.image_id

    def conclude(self, id: str, known: Known | None, seen: Container) -> None:
        if known is None:
            known = self.appeared(id, seen.created / 1e9, seen.name, seen.image, seen.service)
        self.renamed(id, known, self.now, seen.name)
        if seen.started > known.started:
            self._missed_runs(id, known, seen)
        if known.running and not seen.running:
            oom = seen.oom_killed
            planned = NO if oom else YES if known.killed else UNKNOWN
            if oom and not known.oom:
                self.out_of_memory(id, known, seen.finished / 1e9)
            self.died(id, known, seen.finished / 1e9, planned, seen.exit_code, "its end was not seen")
        elif seen.running and not known.running:
            # An end that was told before the start of the same run was: they agree by the look.
            known.running = True
        self.health(id, known, self.now, seen.health)
        _settle(self.state, seen)

    def _missed_runs(self, id: str, known: Known, seen: Container) -> None:
        """Tell of the ends and starts that nobody heard: one of each at least, and one for each restart that the engine counted."""
        counted = max(0, seen.restart_count - known.restarts)
        at = seen.started / 1e9
        known.restarts = seen.restart_count
        for i in range(min(100, max(counted, int(known.running)))):
            planned = YES if known.killed and i == 0 else NO if i < counted else UNKNOWN
            self.died(id, known, at, planned, None, "its end was not seen")
            if i < counted - 1:
                self.started(id, known, at)
        known.started, known.exact = seen.started, False
        self.started(id, known, at)

    def restarts(self, id: str, known: Known) -> int:
        seen = self.seen.get(id)
        return seen.restart_count if seen is not None else known.restarts

    def tell(
        self, at: float, change: str, id: str, known: Known, reason: str, old: str | None = None, new: str | None = None, **detail: Any
    ) -> None:
        history = self.state.histories.get(known.key)
        if history is not None:
            history.changes[change] = history.changes.get(change, 0) + 1
        detail = {"container_id": id[:12], "image": known.image, **{k: v for k, v in detail.items() if v is not None}}
        self.changes.append(Change(at, change, known.name, reason, old, new, detail))

    def tidy(self) -> None:
        for history in self.state.histories.values():
            history.crashes = [t for t in history.crashes if t > self.now - LOOP_SECONDS]
            history.looping = history.looping and bool(history.crashes)
        gone = sorted(((h.gone, key) for key, h in self.state.histories.items() if h.gone is not None), reverse=True)
        for i, (at, key) in enumerate(gone):
            if i >= _MOST_GONE or at < self.now - _GONE_SECONDS:
                del self.state.histories[key]
