"""Looking once: what `tocsin check` and `tocsin once` do, with a journal that is thrown away."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tocsin.config import Config
from tocsin.discovery.lookout import searches
from tocsin.runner import Target
from tocsin.service import Service
from tocsin.sql import own_collectors


@dataclass(frozen=True, slots=True)
class Report:
    """How one target fared. `line` is for a person."""

    good: bool
    line: str


@contextmanager
def _collected(config: Config, timeout: float) -> Iterator[Service]:
    """Give a service, not started, whose targets have all been collected once."""
    log = logging.getLogger("tocsin")
    level = log.level
    log.setLevel(logging.ERROR)  # what is wrong is in the report
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        service = Service(replace(config, state_dir=Path(folder), server=replace(config.server, listen="127.0.0.1:0")))
        try:
            targets = service.scheduler.targets()
            service.scheduler.scrape(targets, time.monotonic() + timeout)
            # Anew for each: one that hung until the end of the scrape leaves the others their time.
            service.scheduler.run_scheduled_once([t for t in targets if t.up is not False], timeout)
            yield service
        finally:
            log.setLevel(level)
            service.server.server_close()
            service.scheduler.stop()
            service.journal.close()


def page(config: Config, timeout: float) -> bytes:
    """Return the page that /metrics would serve."""
    with _collected(config, timeout) as service:
        return b"".join(service.app.metrics(timeout))


def notes(config: Config) -> list[str]:
    """Return what the configuration holds beside targets: own queries by place with their series, logins that go anywhere, discovery."""
    found = []
    for target in config.targets:
        for own, collector in zip(getattr(target, "queries", ()), own_collectors(target), strict=True):
            found.append(f"query {target.name}: {own.place}: {', '.join(m.name for m in collector.metrics)}")
    found += [
        f"warn  auth module {name}: its login is sent to any host that a request to /probe names; list the hosts under targets"
        for name, module in config.auth_modules.items()
        if not module.targets
    ]
    found += [
        f"warn  defaults.{engine}: its login is for every {engine} server that is found; name those that are meant under targets"
        for engine, module in config.defaults.items()
        if not module.targets
    ]
    if searches(config):
        found.append("note  what discovery finds is not tried here: tocsin discover shows it")
    return found


def check(config: Config, timeout: float) -> list[Report]:
    """Try every target and return a report each, in the order of the configuration."""
    with _collected(config, timeout) as service:
        return [_report(target) for target in service.scheduler.targets()]


def _report(target: Target) -> Report:
    head = f"{target.name} ({target.options.kind})"
    if target.error is not None:
        return Report(False, f"FAIL  {head}: {target.error.reason}: {target.error}")
    failing = [f"{c.name}: {r.error.reason}: {r.error}" for c, r in target.records.items() if r.error is not None]
    series = sum(r.series for r in target.records.values())
    if failing:
        return Report(False, f"FAIL  {head}: reached, but " + "; ".join(failing))
    return Report(True, f"ok    {head}: {len(target.records)} collectors, {series} series")
