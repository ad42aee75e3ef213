"""Servers that no configuration lists and /probe is asked about: a session each, kept while it is asked for again soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tocsin import catalog
from tocsin.auth import AuthModule, LoadedModule
from tocsin.config import Config
from tocsin.errors import ProbeError
from tocsin.options import Levels, TargetOptions
from tocsin.runner import Runner, Target
from tocsin.scheduler import Lane, collect
from tocsin.store import Store

DEFAULT_MODULE = "client"
"""The auth module of a request that names none, as mysqld_exporter has it."""

_MOST_VISITS = 128
_MOST_OF_ONE_SERVER = 4
"""Databases of one server may be asked for as so many targets: together they must not use up its connections."""
_IDLE_SECONDS = 300.0
"""Longer than scrapes are apart, so that the next one finds the session open."""

_Key = tuple[int, str, str]


@dataclass(slots=True)
class Visit:
    """A server that was asked for by address. Its live collectors run; scheduled ones and the journal are for targets."""

    lane: Lane
    runner: Runner
    users: int = 0
    used_at: float = field(default_factory=time.monotonic)

    @property
    def target(self) -> Target:
        return self.lane.target

    def is_idle(self) -> bool:
        return not self.users and self.lane.is_idle()


class Visits:
    """A bounded number of them, and of one server fewer; the longest unused makes room."""

    def __init__(self) -> None:
        self._modules: Mapping[str, AuthModule] = {}
        self._thresholds: dict[str, Levels] = {}
        self._generation = 0
        self._visits: dict[_Key, Visit] = {}
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._visits)

    def apply(self, config: Config) -> None:
        """Use these modules from now on; sessions that were opened with others end as soon as nobody waits for them."""
        with self._changed:
            if (config.auth_modules, config.thresholds) == (self._modules, self._thresholds):
                return
            self._modules, self._thresholds = config.auth_modules, config.thresholds
            self._generation += 1
        self.tidy()

    def offers(self, module: str) -> bool:
        return module in self._modules

    def collectors(self) -> set[str]:
        """Return the names of the modules' own queries."""
        templates = [m.template for m in self._modules.values() if isinstance(m, LoadedModule)]
        return {own.name for template in templates for own in getattr(template, "queries", ())}

    @contextmanager
    def probe(self, module: str, address: str, names: Collection[str], deadline: float) -> Iterator[Visit]:
        """Collect from the server at that address, logged in by the module, and give it for the page to be made. Raises ProbeError."""
        key, visit = self._enter(module, address, deadline)
        try:
            collect([visit.lane], deadline, names)
            yield visit
        finally:
            with self._changed:
                visit.users -= 1
                visit.used_at = time.monotonic()
                self._changed.notify_all()
            if key[0] != self._generation:
                self.tidy()

    def _enter(self, module: str, address: str, deadline: float) -> tuple[_Key, Visit]:
        evicted: list[Visit] = []
        try:
            with self._changed:
                options = self._options(module, address)
                key = (self._generation, module, options.name)
                while key not in self._visits and not self._make_room(options.address, evicted):
                    if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                        raise ProbeError(
                            503, f"{options.address}: too many probes at once; scrape its databases as one target, or less often"
                        )
                visit = self._visits.get(key) or self._visits.setdefault(key, self._open(options))
                visit.users += 1
                return key, visit
        finally:
            _close(evicted)

    def _options(self, name: str, address: str) -> TargetOptions:
        module = self._modules.get(name)
        if not isinstance(module, LoadedModule):
            known = ", ".join(self._modules) or "none; write them under auth_modules of the configuration"
            raise ProbeError(400, f"no such auth module; there are: {known}")
        source = catalog.source(module.kind)
        assert source.visit is not None
        options = source.visit(module, address)
        clocks = {c.name: False for c in source.collectors if c.every is not None}
        clocks |= {own.name: False for own in getattr(options, "queries", ()) if own.every is not None}
        return replace(options, collectors={**options.collectors, **clocks})

    def _make_room(self, server: str, evicted: list[Visit]) -> bool:
        """Tell whether one more fits; if need be the longest unused leaves, where none is unused it does not fit."""
        of_server = {key: v for key, v in self._visits.items() if v.target.options.address.lower() == server.lower()}
        crowd = of_server if len(of_server) >= _MOST_OF_ONE_SERVER else self._visits if len(self._visits) >= _MOST_VISITS else None
        if crowd is None:
            return True
        idle = [key for key, visit in crowd.items() if visit.is_idle()]
        if idle:
            evicted.append(self._visits.pop(min(idle, key=lambda key: self._visits[key].used_at)))
        return bool(idle)

    def _open(self, options: TargetOptions) -> Visit:
        runner = Runner(None, Store())
        return Visit(Lane(Target(options, self._thresholds), runner), runner)

    def tidy(self) -> None:
        """Let go of sessions that nobody has asked for in a while, and of those with modules of an earlier configuration."""
        limit = time.monotonic() - _IDLE_SECONDS
        with self._changed:
            gone = [key for key, v in self._visits.items() if v.is_idle() and (v.used_at < limit or key[0] != self._generation)]
            evicted = [self._visits.pop(key) for key in gone]
            self._changed.notify_all()
        _close(evicted)

    def close(self) -> None:
        with self._changed:
            evicted = list(self._visits.values())
            self._visits.clear()
        _close(evicted)


def _close(visits: list[Visit]) -> None:
    """Close outside of the lock: a server may take a moment to be told."""
    for visit in visits:
        visit.lane.close()
