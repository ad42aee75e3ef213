"""A source for tests of the engine: its collectors are functions that the test writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tocsin import catalog, exposition
from tocsin.config import Config
from tocsin.journal import Journal
from tocsin.metric import gauge
from tocsin.options import TargetOptions, option
from tocsin.runner import Runner, Target
from tocsin.scheduler import Scheduler
from tocsin.source import Collector, Run, Source, Threshold
from tocsin.store import Store

UP = gauge("fake_up", "Whether the fake answers.")
A = gauge("fake_a", "One.", ("label",))
B = gauge("fake_b", "Another.")
UNDECLARED = gauge("fake_undeclared", "Declared by no collector.")
LEVEL = Threshold("fake_signal", "A signal.", "count", 1.0, None)

Collect = Callable[["Session", Run], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(TargetOptions):
    where: str = option("nowhere", help="anything")

    @property
    def address(self) -> str:
        return self.where


class Session:
    """Counts what is done to it; the test gives `begins` what beginning shall do."""

    opened: list[Session]
    begins: Callable[[Session, list[Run]], None]

    def __init__(self, options: Options) -> None:
        self.options = options
        self.begun: list[list[Run]] = []
        self.closed = 0
        type(self).opened.append(self)

    def begin(self, runs: list[Run]) -> None:
        self.begun.append(runs)
        type(self).begins(self, runs)

    def close(self) -> None:
        self.closed += 1


def live(name: str, collect: Collect, *metrics: Any) -> Collector:
    return Collector(name, name, metrics or (A, B), collect)


def scheduled(name: str, collect: Collect, every: float, timeout: float = 5.0) -> Collector:
    return Collector(name, name, (A, B), collect, every=every, timeout=timeout)


def emits(value: float = 1.0) -> Collect:
    """A collector's function that works."""
    return lambda _session, run: run.emit(B, value)


def raises(error: Exception) -> Collect:
    """A collector's function that emits and then fails."""

    def collect(_session: Session, run: Run) -> None:
        run.emit(B, 1)
        raise error

    return collect


@dataclass
class Gate:
    """A collector's function that waits until the test lets it go on."""

    entered: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    calls: int = 0

    def __call__(self, _session: Session, run: Run) -> None:
        self.calls += 1
        self.entered.set()
        assert self.go.wait(20)
        run.emit(B, self.calls)


class World:
    """A journal, a store, a runner and a scheduler over fake sources."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.journal = Journal(folder / "state")
        self.store = Store()
        self.runner = Runner(self.journal, self.store)
        self.scheduler = Scheduler(self.runner)
        self._monkeypatch = monkeypatch
        self.session = type("OneTestsSession", (Session,), {"opened": [], "begins": lambda _self, _runs: None})

    def source(self, *collectors: Collector, kind: str = "fake", **hooks: Any) -> None:
        """Add a source to the catalog, in place of one of the same kind."""
        made = Source(kind, "Fake.", Options, self.session, UP, collectors, (LEVEL,), **hooks)
        self._monkeypatch.setattr(catalog, "SOURCES", (*[s for s in catalog.SOURCES if s.kind != kind], made))

    def target(self, *collectors: Collector, **options: Any) -> Target:
        self.source(*collectors)
        return Target(Options(name="t", kind="fake", **options))

    def apply(self, *options: Options, start: bool = False) -> None:
        self.scheduler.apply(Config(targets=options))
        if start:
            self.scheduler.start()

    def scrape(self, seconds: float = 5.0) -> dict[str, float]:
        """Scrape all targets and return the page's series."""
        self.scheduler.scrape(self.scheduler.targets(), time.monotonic() + seconds)
        return self.page()

    def page(self, *targets: Target) -> dict[str, float]:
        found = targets or tuple(self.scheduler.targets())
        return series(exposition.page([f for t in found for f in [self.runner.vitals(t), *self.store.of(t.name)]]).decode())

    def close(self) -> None:
        self.scheduler.stop()
        self.journal.close()


@contextmanager
def world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = World(folder, monkeypatch)
    try:
        yield found
    finally:
        found.close()


def series(text: str) -> dict[str, float]:
    """Return a page's samples, written as `name{label="value"}` with the labels sorted; one that is there twice fails."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found
