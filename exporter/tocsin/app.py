"""What the pages of the HTTP server show, put together from what is watched."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Collection
from typing import Any

import tocsin
from tocsin import exposition, notifications, vitals
from tocsin.discovery import series
from tocsin.discovery.core import Discoveries
from tocsin.journal import Journal
from tocsin.metric import Labels, Metric, Value
from tocsin.runner import Runner, Target
from tocsin.scheduler import Scheduler
from tocsin.stream import Streams
from tocsin.visits import Visits
from tocsin.watch import WATCHER


class App:
    """The exporter, as whoever asks it over HTTP sees it."""

    def __init__(
        self, scheduler: Scheduler, visits: Visits, discoveries: Discoveries, journal: Journal, reload: Callable[[], None]
    ) -> None:
        self.scheduler = scheduler
        self.visits = visits
        self.discoveries = discoveries
        self.journal = journal
        self.reload = reload
        self.notifications = notifications.Inbox(journal)
        self.streams = Streams(journal)
        self.ready = False
        self.reload_ok = True
        self.reloaded_at = time.time()
        self._process = _process_registry()

    def metrics(self, seconds: float, names: Collection[str] = ()) -> list[bytes]:
        """Return the page of all targets in pieces, collected within `seconds`; with `names` of those collectors alone."""
        targets = self.scheduler.targets()
        self.scheduler.scrape(targets, time.monotonic() + seconds, names)
        parts = [self._exporter()]
        for target in targets:
            parts += self._parts(self.scheduler.runner, target, names)
        return [*exposition.chunks(parts), self._process()]

    def probe(self, target: Target, seconds: float, names: Collection[str] = ()) -> bytes:
        """Return the page of one target, without its instance and its labels: Prometheus puts those on."""
        self.scheduler.scrape([target], time.monotonic() + seconds, names)
        return self._bare(self.scheduler.runner, target, names)

    def visit(self, module: str, address: str, seconds: float, names: Collection[str] = ()) -> bytes:
        """Return the page of a server that no configuration lists. Raises ProbeError."""
        with self.visits.probe(module, address, names, time.monotonic() + seconds) as visit:
            return self._bare(visit.runner, visit.target, names)

    def _bare(self, runner: Runner, target: Target, names: Collection[str]) -> bytes:
        return exposition.page(
            {metric: exposition.without(exposition.without(lines, target.named), target.constant) for metric, lines in part.items()}
            for part in self._parts(runner, target, names)
        )

    @staticmethod
    def _parts(runner: Runner, target: Target, names: Collection[str]) -> list[exposition.Families]:
        keys = [f"{target.options.kind}.{name}" for name in names]
        return [runner.vitals(target, names), *runner.store.of(target.name, keys)]

    def _exporter(self) -> exposition.Families:
        journal = self.journal
        points: dict[Metric, dict[Labels, Value]] = {
            vitals.BUILD_INFO: {(tocsin.__version__, platform.python_version()): 1},
            vitals.CONFIG_RELOAD_OK: {(): int(self.reload_ok)},
            vitals.CONFIG_RELOAD_TIME: {(): self.reloaded_at},
            vitals.JOURNAL_UP: {(): int(journal.up and journal.present())},
            vitals.JOURNAL_FAILURES: {(): journal.failures},
            vitals.JOURNAL_SIZE: {(): journal.size()},
            vitals.JOURNAL_EVENTS: {(): journal.count},
            vitals.WATCH_OVERFLOWS: {(): WATCHER.overflows},
            vitals.NOTIFICATIONS: {(status,): count for status, count in self.notifications.counts.items()},
            **series.points(self.discoveries),
        }
        return exposition.render(points)

    def discovery(self, host: str) -> list[dict[str, Any]]:
        """Return the targets for Prometheus' http_sd_configs, one entry each, scraped through /probe.

        What was found says so in labels for relabelling, which a scrape does not keep.
        """
        found = {
            d.name: {"__meta_tocsin_origin": d.found.origin, "__meta_tocsin_place": d.found.place, "__meta_tocsin_image": d.found.image}
            for d in self.discoveries.outcome.discovered
            if d.options is not None
        }
        return [
            {
                "targets": [host],
                "labels": {
                    "__metrics_path__": "/probe",
                    "__param_target": t.name,
                    "instance": t.name,
                    "kind": t.options.kind,
                    **t.options.labels,
                    **found.get(t.name, {}),
                },
            }
            for t in self.scheduler.targets()
        ]


def _process_registry() -> Callable[[], bytes]:
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)
