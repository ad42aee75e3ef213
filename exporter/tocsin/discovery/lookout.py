"""Looking for databases in threads of their own: at the start, when a docker engine tells, and on a clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tocsin.config import Config
from tocsin.discovery.core import Catch, Discoveries, Search
from tocsin.errors import CollectError, InternalError
from tocsin.event import one_line
from tocsin.options import TargetOptions
from tocsin.runner import Suspension, guarded
from tocsin.sources.docker.config import DockerOptions

_LOOK_SECONDS = {"containers": 10.0, "processes": 10.0, "files": 30.0}
"""How long one look may take."""
_MOST_FILES = 1000
_SHORTEST_REST = 0.2
_REST_SHARE = 5
"""Where an engine tells something all the time, a look is followed by a rest of so many times its length."""
_JOIN_SECONDS = 1.0
_ASK_SECONDS = 1.0
"""How long an engine may take to say whether a container still runs, for which somebody waits."""

Find = Callable[[], Catch]


def searches(config: Config) -> dict[Search, Find]:
    """Return what a configuration wants to be looked through, and how."""
    wanted: dict[Search, Find] = {}
    if config.discovery.containers:
        engines = [t for t in config.targets if isinstance(t, DockerOptions)]
        wanted |= {Search("containers", options.name): _containers(options) for options in engines}
    if config.discovery.processes:
        wanted[Search("processes")] = _processes
    if config.discovery.files:
        wanted[Search("files")] = _files(config)
    return wanted


def _containers(options: DockerOptions) -> Find:
    def find() -> Catch:
        from tocsin.discovery import containers

        return Catch(*containers.look(options, _LOOK_SECONDS["containers"]))

    return find


def _processes() -> Catch:
    from tocsin.discovery import processes  # psutil

    return Catch(processes.find(_LOOK_SECONDS["processes"]))


def _files(config: Config) -> Find:
    def find() -> Catch:
        from tocsin.discovery import files

        # More than are watched, so that the others are counted.
        most = max(_MOST_FILES, config.discovery.most)
        return Catch(files.find(map(str, config.discovery.files), most, _LOOK_SECONDS["files"]))

    return find


def look(search: Search, find: Find) -> Catch | CollectError:
    """Look once, and return what it brought or how it failed."""
    brought: list[Catch] = []
    error = guarded(f"discovery of {search}", lambda: brought.append(find()))
    return brought[0] if brought else error or InternalError(f"discovery of {search}: ended without a word")


class Lookout:
    """A thread that does one search again and again until it is stopped."""

    def __init__(self, search: Search, find: Find, every: float, tell: Callable[[Search, Catch | CollectError], None]) -> None:
        self._search = search
        self._find = find
        self._every = every
        self._tell = tell
        self._stirred = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tocsin-discovery-{search.finder}", daemon=True)

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError as error:
            self._tell(self._search, InternalError(f"{error}; raise the limit on processes and threads (ulimit -u, pids_limit)"))

    def stir(self) -> None:
        """Look soon: something may have moved."""
        self._stirred.set()

    def stop(self) -> None:
        self._stopped.set()
        self._stirred.set()

    def join(self) -> None:
        """Wait for the thread, but not long: one that hangs in its look ends with the process at the latest."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._stirred.clear()
            began = time.monotonic()
            brought = look(self._search, self._find)
            took = time.monotonic() - began
            if self._stopped.is_set():
                return
            self._take_in(brought)
            self._stopped.wait(min(self._every, max(_SHORTEST_REST, _REST_SHARE * took)))
            self._stirred.wait(max(0.0, began + self._every - time.monotonic()))

    def _take_in(self, brought: Catch | CollectError) -> None:
        """Tell what was brought. Where that fails the look has failed, and this thread goes on: the next one may succeed."""
        name = f"discovery of {self._search}"
        error = guarded(name, lambda: self._tell(self._search, brought))
        if error is not None:
            guarded(name, lambda: self._tell(self._search, error))


class Lookouts:
    """A lookout for each search of the configuration. `changed` is called in a lookout's thread when other targets come of it."""

    def __init__(self, discoveries: Discoveries, changed: Callable[[], None]) -> None:
        self._discoveries = discoveries
        self._changed = changed
        self._lookouts: dict[Search, tuple[object, Lookout]] = {}
        self._engines: dict[str, DockerOptions] = {}
        """The docker targets by name."""
        self._owed: set[Search] = set()
        """Searches whose news `changed` has not yet taken in."""
        self._lock = threading.Lock()
        self._started = self._stopped = False

    def apply(self, config: Config) -> None:
        """Look for what this configuration wants, and keep what was found of it; a search that is as before goes on."""
        wanted = searches(config)
        self._engines = {t.name: t for t in config.targets if isinstance(t, DockerOptions)}
        self._discoveries.apply(config, wanted)
        with self._lock:
            before, self._lookouts = self._lookouts, {}
            for search, find in wanted.items():
                likeness = _likeness(search, config)
                known = before.get(search)
                if known is not None and known[0] == likeness:
                    self._lookouts[search] = before.pop(search)
                else:
                    lookout = Lookout(search, find, config.discovery.every, self._note)
                    self._lookouts[search] = (likeness, lookout)
                    if self._started and not self._stopped:
                        lookout.start()
            for _, gone in before.values():
                gone.stop()

    def start(self) -> None:
        with self._lock:
            self._started = True
            for _, lookout in self._lookouts.values():
                lookout.start()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            lookouts = [lookout for _, lookout in self._lookouts.values()]
        for lookout in lookouts:
            lookout.stop()
        for lookout in lookouts:
            lookout.join()

    def stir(self, target: TargetOptions) -> None:
        """Look at the containers of a target soon: its engine has told something."""
        known = self._lookouts.get(Search("containers", target.name))
        if known is not None:
            known[1].stir()

    def suspicion(self, name: str) -> Suspension | None:
        """Return why a target that was found is not to be connected to right now, although the last look found it running.

        Between a container's end and the next look its address may be another one's. An engine that does not say keeps nobody
        away: the look that fails for it decides.
        """
        place = self._discoveries.running(name)
        engine = self._engines.get(place[0]) if place is not None else None
        if place is None or engine is None:
            return None
        from tocsin.sources.docker.session import still_run

        try:
            if still_run(engine, place[1].runs, _ASK_SECONDS):
                return None
        except CollectError:
            return None
        return Suspension(f"container {one_line(place[1].place)} has ended, or was started again, a moment ago", is_down=True)

    def _note(self, search: Search, brought: Catch | CollectError) -> None:
        found = self._discoveries
        is_news = found.fail(search, brought) if isinstance(brought, CollectError) else found.note(search, brought)
        if is_news or search in self._owed:
            self._owed.add(search)
            self._changed()
            self._owed.discard(search)


def _likeness(search: Search, config: Config) -> object:
    """Return what decides whether a search goes on as it is."""
    found = config.discovery
    engine = next((t for t in config.targets if t.name == search.target), None)
    return found.every, engine, found.most, found.files if search.finder == "files" else ()
