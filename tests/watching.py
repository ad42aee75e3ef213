"""One target, watched as the exporter watches it: the real scheduler, runner, journal and renderer; no HTTP, no clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from tocsin.app import App
from tocsin.config import Config
from tocsin.discovery.core import Discoveries
from tocsin.event import Event
from tocsin.journal import Journal
from tocsin.options import Secret, TargetOptions
from tocsin.runner import Record, Runner, Target
from tocsin.scheduler import Scheduler
from tocsin.sources.host.config import HostOptions
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.sqlite.config import SqliteOptions
from tocsin.store import Store
from tocsin.visits import Visits


@dataclass
class Page:
    """A page as served: its text, the TYPE lines read as they stand, and its samples."""

    text: str
    types: dict[str, str] = field(init=False)
    samples: list[tuple[str, dict[str, str], float]] = field(init=False)

    def __post_init__(self) -> None:
        lines = self.text.splitlines()
        self.types = dict(line.split(" ")[2:4] for line in lines if line.startswith("# TYPE "))  # type: ignore[misc]
        self.samples = [(self._served(s.name), s.labels, s.value) for f in text_string_to_metric_families(self.text) for s in f.samples]

    def _served(self, name: str) -> str:
        """Undo what the parser does to a counter whose name does not end in _total."""
        bare = name.removesuffix("_total")
        return bare if name not in self.types and bare in self.types else name

    def all(self, name: str, /, **labels: str) -> list[tuple[dict[str, str], float]]:
        return [(found, value) for n, found, value in self.samples if n == name and labels.items() <= found.items()]

    def value(self, name: str, /, **labels: str) -> float | None:
        """Return the one sample's value, None without one; two are a mistake of the test."""
        found = self.all(name, **labels)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def names(self) -> set[str]:
        return {name for name, _, _ in self.samples}


class Watch:
    """A context manager: entering opens the journal, leaving lets go of everything."""

    def __init__(self, options: TargetOptions, state: Path) -> None:
        self.options = options
        self.state = state

    def __enter__(self) -> Self:
        self.journal = Journal(self.state)
        self.scheduler = Scheduler(Runner(self.journal, Store()))
        self.app = App(self.scheduler, Visits(), Discoveries(), self.journal, lambda: None)
        self.scheduler.apply(Config(state_dir=self.state, targets=(self.options,)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.scheduler.stop()
        self.journal.close()

    @property
    def target(self) -> Target:
        found = self.scheduler.target(self.options.name)
        assert found is not None
        return found

    def record(self, name: str) -> Record:
        return next(r for c, r in self.target.records.items() if c.name == name)

    def scrape(self, seconds: float = 10.0) -> Page:
        """Collect as a scrape does and return the page, which never takes much longer than it may."""
        began = time.monotonic()
        page = Page(self.app.probe(self.target, seconds).decode())
        assert time.monotonic() - began < seconds + 0.5, "the scrape overstayed its deadline"
        return page

    def check(self, seconds: float = 30.0) -> list[Event]:
        """Run the scheduled collectors once and return the events that they wrote."""
        newest = self.journal.events(limit=1, newest=True)
        since = newest[-1].id if newest else 0
        self.scheduler.run_scheduled_once([self.target], seconds)
        return self.journal.events(since_id=since or 0, limit=1000)

    def page(self) -> Page:
        """Return what is known now, without collecting anything."""
        return Page(b"".join(self._lines()).decode())

    def _lines(self) -> list[bytes]:
        from tocsin import exposition

        return [exposition.page(self.app._parts(self.scheduler.runner, self.target, ()))]


def said(events: list[Event]) -> list[str]:
    """Return events as a case expects them: `column public.orders.email dropped destructive`."""
    return [f"{e.object_kind} {e.object} {e.change} {e.risk}" + " security" * e.security for e in events]


def eventually(check: Callable[[], object], seconds: float = 5.0) -> bool:
    """Tell whether something becomes true in time."""
    limit = time.monotonic() + seconds
    while not check():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def postgres_options(dsn: str, **more: object) -> PostgresOptions:
    return PostgresOptions(name="pg", kind="postgres", dsn=Secret(dsn), **more)  # type: ignore[arg-type]


def sqlite_options(path: Path, **more: object) -> SqliteOptions:
    return SqliteOptions(name="app", kind="sqlite", path=path, **more)  # type: ignore[arg-type]


def host_options(**more: object) -> HostOptions:
    return HostOptions(name="here", kind="host", **more)  # type: ignore[arg-type]
