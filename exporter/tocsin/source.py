"""What a contributor writes: a source, its collectors, and the session that reaches one target."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tocsin import mask
from tocsin.auth import LoadedModule
from tocsin.event import Event, EventKind
from tocsin.metric import Declared, Labels, Metric, MetricFamily, Value
from tocsin.options import TargetOptions


@dataclass(frozen=True, slots=True)
class Later:
    """A function that is imported when it is first called."""

    module: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    @property
    def function(self) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(importlib.import_module(self.module), self.name)
        return found


class Module:
    """A module whose functions are `Later`: a source that nobody configured costs the memory of its declarations alone."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Later:
        return Later(self._name, name)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A signal that alerts compare with: its default levels, declared once, overridden by configuration."""

    signal: str
    help: str
    unit: str
    warning: float | None
    critical: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Collector:
    """A named group of metrics with the function that collects it.

    Live (`every` is None): runs when scraped. Scheduled: runs on its own clock, `every` seconds by
    default, each run limited to `timeout` seconds. `collect` reads through the session and emits into
    the run; it raises CollectError, or Unsupported where the target lacks the feature. With `wakes` it runs before
    its clock comes round when the source's `files` or `listen` tell that something may have moved.
    """

    name: str
    help: str
    metrics: tuple[Declared, ...]
    collect: Callable[[Any, Run], None]
    every: float | None = None
    timeout: float = 60.0
    enabled: bool = True
    events: tuple[EventKind, ...] = ()
    wakes: bool = False


class Session(Protocol):
    """A way to one target, opened by its source and used by one thread at a time."""

    def begin(self, runs: list[Run]) -> None:
        """Reach the target, and send ahead whatever the runs will need.

        Raises CollectError when the target cannot be reached: all the runs have failed then.
        """

    def close(self) -> None:
        """Let go of the target. Never raises and never waits long."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What the field's reference exporter tells about its own runs; dashboards choose their targets by some of these.

    `prefix` stands before our short collector names in the label that the first two carry.
    """

    collector_success: Metric
    collector_duration: Metric
    prefix: str = ""
    scrapes: Metric | None = None
    scrape_duration: Metric | None = None
    scrape_error: Metric | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        optional = (self.scrapes, self.scrape_duration, self.scrape_error)
        return (self.collector_success, self.collector_duration, *(m for m in optional if m is not None))


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A kind of thing that can be watched. `up` says whether a target answers, under the field's own name."""

    kind: str
    help: str
    options: type[TargetOptions]
    open: Callable[[Any], Session]
    up: Metric
    collectors: tuple[Collector, ...]
    thresholds: tuple[Threshold, ...] = ()
    reference: Reference | None = None
    grants: str = ""
    """SQL that makes the least-privileged role with which every collector works."""
    schemas: Callable[[Any, float], Iterator[tuple[str, Any]]] | None = None
    """Reads the schema of every watched database through a session, by a deadline: database names with `schema.model.Schema` values."""
    visit: Callable[[LoadedModule, str], TargetOptions] | None = None
    """Returns the options of a target that a request to /probe names by address; raises ProbeError."""
    files: Callable[[Any], tuple[Path, ...]] | None = None
    """Returns, for the options, the files whose change wakes the collectors that say so. Asked now and then; may look at the files."""
    listen: Callable[[Any, Callable[[], None], threading.Event], None] | None = None
    """Called with the options, in a thread of its own, while the target is watched: it calls the function given whenever something
    may have moved, and once when it begins to hear; it returns within a second of the event's being set. When it returns or
    raises before that, it is called again after a pause."""
    finish: Callable[[Any, Run], None] | None = None
    """Called with the options and each run that succeeded: the last word on how its samples are called."""

    @property
    def vitals(self) -> tuple[Metric, ...]:
        """What every target of this kind has beside its collectors' series."""
        return (self.up, *(self.reference.metrics if self.reference else ()))

    def collector(self, name: str) -> Collector | None:
        return next((c for c in self.collectors if c.name == name), None)


def _masked(event: Event) -> Event:
    old, new = (text and mask.text(text) for text in (event.old, event.new))
    # A diff is of texts that were masked before: what begins on one of its lines does not go on with the next.
    detail = {key: value if key == "diff" else _masked_detail(value) for key, value in event.detail.items()}
    return event if (old, new, detail) == (event.old, event.new, event.detail) else replace(event, old=old, new=new, detail=detail)


def _masked_detail(value: Any) -> Any:
    if isinstance(value, str):
        return mask.text(value)
    return [_masked_detail(one) for one in value] if isinstance(value, list) else value


class Run:
    """One collector on one target, once, with a deadline: what it saw, and what it remembers for the next.

    `deadline` is on the monotonic clock.
    """

    __slots__ = (
        "abandoned", "collector", "deadline", "dropped", "duration", "events",
        "finished", "found", "keeps", "kept", "limit", "points", "recalled", "remembered", "series", "_declared", "_recall",
    )  # fmt: skip

    def __init__(
        self, collector: Collector, deadline: float, recall: Callable[[str], bytes | None] = lambda _key: None, limit: int = 100_000
    ) -> None:
        self.collector = collector
        self.deadline = deadline
        self.limit = limit
        self.points: dict[Metric, dict[Labels, Value]] = {}
        self.series = 0
        self.dropped = 0
        self.events: list[Event] = []
        self.recalled: dict[str, bytes | None] = {}
        self._recall = recall
        self.remembered: dict[str, bytes | None] = {}
        self.kept: tuple[int, dict[str, bytes | None]] = (0, {})
        self.keeps = False
        self.finished = False
        self.abandoned = False
        self.found = False
        """Whether the target was found by its address and not configured: another server may come to stand under its name."""
        self.duration = 0.0
        self._declared = frozenset(m for m in collector.metrics if isinstance(m, Metric))

    def emit(self, metric: Metric, value: Value | None, labels: Labels = ()) -> None:
        """Add one sample; None adds nothing.

        A second value for the same series and a series beyond the budget are counted as dropped. Raises
        ValueError for a metric that the collector does not declare, or for a wrong number of labels.
        """
        if value is None:
            return
        family = self.points.get(metric)
        if family is None:
            family = self.open_family(metric)
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}, not {len(labels)} of them")
        if labels in family or self.series >= self.limit:
            self.dropped += 1
        else:
            family[labels] = value
            self.series += 1

    def open_family(self, metric: Metric) -> dict[Labels, Value]:
        """Return the metric's samples so far. Raises ValueError for a metric that is not declared."""
        if metric not in self._declared and not any(isinstance(m, MetricFamily) and m.owns(metric) for m in self.collector.metrics):
            raise ValueError(f"{self.collector.name} emits {metric.name} without declaring it")
        return self.points.setdefault(metric, {})

    def event(self, event: Event) -> None:
        """Add one event; the runner fills in target and source. What is a secret in its texts is masked here, whoever made it."""
        self.events.append(_masked(event))

    def recall(self, key: str) -> bytes | None:
        """Return what an earlier successful run of this collector on this target remembered, or None."""
        self.recalled[key] = self._recall(key)
        return self.recalled[key]

    def remember(self, key: str, value: bytes | None) -> None:
        """Keep a value for later runs, written in one transaction with this run's events. None forgets."""
        self.remembered[key] = value

    def keep(self) -> None:
        """Have the events and memories so far written even if the run fails later: they belong together and are complete.

        Its samples are served then, too: what could not be read merely has none.
        """
        self.kept, self.keeps = (len(self.events), dict(self.remembered)), True

    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())
