"""A session with a Docker engine: one list of containers for all runs, and inspections only of what has moved."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from tocsin.errors import PrivilegeError
from tocsin.event import one_line
from tocsin.source import Run
from tocsin.sources.docker.cgroup import Cgroups
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.container import Container, read
from tocsin.sources.docker.engine import Engine, Gone, Stuck
from tocsin.sources.docker.heard import HEARD_ACTIONS, Heard, heard_of, lines_of
from tocsin.sources.docker.view import view_of

_log = logging.getLogger("tocsin.docker")

A = TypeVar("A")
B = TypeVar("B")

_AT_ONCE = 8
_INFO_SECONDS = 300.0
_MARGIN = 0.1
"""Seconds before the deadline at which a wait ends, so that its reason is still heard."""


class Listed(NamedTuple):
    id: str
    mark: str
    """State, health, name and image in one word: whatever of it changes calls for an inspection."""


class DockerSession:
    def __init__(self, options: DockerOptions) -> None:
        self.options = options
        self.view = view_of(options)
        self.engine = Engine(options)
        self.cgroups = Cgroups(options.cgroup_root, options.proc_root)
        self._containers: list[Container] | None = None
        self._info: tuple[float, dict[str, Any]] | None = None

    def begin(self, runs: list[Run]) -> None:
        """Agree on a version of the API; raises CollectError. The list is asked for by the first run that needs it."""
        self._containers = None
        self.engine.negotiate(limit_of(runs[0]))

    def containers(self, run: Run) -> list[Container]:
        """Return all containers, running and stopped, as they are now; the same to all runs of a batch."""
        if self._containers is None:
            self._containers = self.look(limit_of(run))
        return self._containers

    def look(self, deadline: float) -> list[Container]:
        """Ask for the list, and inspect what is new or has moved; what vanishes between the two is left out."""
        mark = self.view.mark()
        listed = [_listed(told) for told in self.engine.get("/containers/json", deadline, all=1)]
        found = {one.id: self.view.known(one.id, one.mark) for one in listed}
        unknown = [one for one in listed if found[one.id] is None]

        def inspect(one: Listed) -> None:
            try:
                container = read(self.engine.get(f"/containers/{one.id}/json", deadline))
            except Gone:
                return
            except (Stuck, ValueError, KeyError, TypeError, AttributeError) as error:  # one that is broken must not hide the others
                _complain(self.engine.name, one.id, str(error) if isinstance(error, Stuck) else repr(error))
                found[one.id] = self.view.last(one.id)
                return
            self.view.note(container, one.mark, mark)
            found[one.id] = container

        in_parallel(inspect, unknown)
        self.view.keep(found)
        containers = [container for container in found.values() if container is not None]
        if self.options.container_labels:
            self.view.chosen = {c.name: tuple(c.labels.get(k, "") for k in self.options.container_labels) for c in containers}
        return containers

    def info(self, deadline: float) -> dict[str, Any]:
        """Return what the engine tells of itself and its machine; asked anew now and then, for it is dear."""
        if self._info is None or time.monotonic() > self._info[0] + _INFO_SECONDS:
            self._info = (time.monotonic(), self.engine.get("/info", deadline))
        return self._info[1]

    def events(self, since: int, run: Run) -> list[Heard]:
        """Return the events from that time on: those that the listener has heard, or what the engine still remembers."""
        if self.view.listening:
            return self.view.heard(since)
        engine = self.engine
        engine.get("/version", limit_of(run))  # for the engine's clock: asked for what is to come, it would wait
        filters = {"type": ["container"], "event": list(HEARD_ACTIONS)}
        try:
            with engine.stream(
                "/events", run.remaining(), since=f"{since // 10**9}.{since % 10**9:09d}", until=int(engine.now), filters=filters
            ) as response:
                return [h for h in map(heard_of, lines_of(response)) if h is not None]
        except PrivilegeError:  # a proxy that keeps events to itself: what moved is told by the list alone
            return []

    def close(self) -> None:
        self.engine.close()


def limit_of(run: Run) -> float:
    return run.deadline - _MARGIN


def in_parallel(do: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """Do something that waits for the engine for each item, a few at a time; each has a limit of its own. The first error is raised."""
    todo = list(items)
    if len(todo) < 2:
        return [do(item) for item in todo]
    with ThreadPoolExecutor(min(_AT_ONCE, len(todo)), "tocsin-docker") as pool:
        return list(pool.map(do, todo))


def _listed(told: dict[str, Any]) -> Listed:
    status = told.get("Status") or ""
    health = status[status.rfind("(") :] if "Up" in status and status.endswith(")") else ""
    words = (told.get("State"), health, *(told.get("Names") or ()), told.get("ImageID"))
    return Listed(told["Id"], "|".join(str(word or "") for word in words))


@lru_cache(maxsize=1000)
def _complain(engine: str, id: str, words: str) -> None:
    """Say it in the log, once for each container."""
    _log.warning("%s: container %s cannot be inspected, what is known of it stands: %s", engine, id[:12], one_line(words)[:500])


def still_run(options: DockerOptions, runs: Iterable[tuple[str, int]], seconds: float) -> bool:
    """Tell whether containers, by id and time of their start, run on without a break. Raises CollectError.

    While the engine's events are heard that costs nothing; else, and just after one, it is asked.
    """
    view, deadline = view_of(options), time.monotonic() + seconds
    engine: Engine | None = None
    try:
        for id, started in runs:
            container = view.current(id)
            if container is None:
                engine = engine or Engine(options)
                engine.negotiate(deadline)
                container = read(engine.get(f"/containers/{id}/json", deadline))
            if container.started != started or not container.running:
                view.forget(id)  # so that the next look asks, whatever the list says
                return False
    except Gone:
        return False
    finally:
        if engine is not None:
            engine.close()
    return True


def list_containers(options: DockerOptions, seconds: float) -> list[Container]:
    """Return what runs and what stands at an engine: image, names of environment variables, ports, labels, mounts, command.

    For whoever wants to know what containers are without collecting from them. Raises CollectError.
    """
    session = DockerSession(options)
    deadline = time.monotonic() + seconds
    try:
        session.engine.negotiate(deadline)
        return session.look(deadline)
    finally:
        session.close()
