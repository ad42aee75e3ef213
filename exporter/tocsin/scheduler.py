"""What runs when: live collectors when scraped, scheduled ones on their clocks. The only module that knows threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import random
import threading
import time
from collections.abc import Iterable

from tocsin.config import Config
from tocsin.errors import JournalError
from tocsin.runner import Access, Runner, Target
from tocsin.source import Collector, Run

_log = logging.getLogger("tocsin.scheduler")

_PRUNE_EVERY = 300.0
_BUSY_PAUSE = 0.5


class Batch:
    """Runs that go together over one session, in a thread of their own."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs
        self.done = threading.Event()
        self.overstayed = False

    def is_late(self) -> bool:
        """Tell whether all runs are past their deadline, and their driver has had time to say why."""
        return bool(self.runs) and all(time.monotonic() > run.deadline + _BUSY_PAUSE for run in self.runs)


class Lane:
    """One way to a target, used by one batch at a time: a run that is still going is never started again."""

    def __init__(self, target: Target, runner: Runner) -> None:
        self.target = target
        self._runner = runner
        self._access = Access(target)
        self._lock = threading.Lock()
        self._closed = False
        self.current: Batch | None = None

    def start(self, collectors: Iterable[Collector], deadline: float) -> tuple[Batch, bool]:
        """Start a batch, or return the one that is going, and whether it is a new one. A closed lane starts nothing."""
        with self._lock:
            if self._closed:
                batch = Batch([])
                batch.done.set()
                return batch, False
            if self.current is not None and not self.current.done.is_set():
                return self.current, False
            batch = self.current = Batch([self._runner.new_run(self.target, c, deadline) for c in collectors])
            thread = threading.Thread(target=self._work, args=(batch,), name=f"tocsin-{self.target.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # The process may have no more threads now; the next run tries again.
            self._runner.refuse(self.target, batch.runs, f"{error}; raise the limit on processes and threads (ulimit -u, pids_limit)")
            batch.done.set()
        return batch, True

    def _work(self, batch: Batch) -> None:
        try:
            self._runner.execute(self._access, batch.runs)
        finally:
            with self._lock:
                batch.done.set()
                if self._closed:
                    self._access.close()

    def close(self) -> None:
        """Let go of the target, at once or when the batch that is going ends, whose results are thrown away."""
        with self._lock:
            self._closed = True
            if self.current is None or self.current.done.is_set():
                self._access.close()
            else:
                self._runner.disown(self.target, self.current.runs)


class _Watched:
    """A target with its two lanes: a long inspection never stands in the way of a scrape."""

    def __init__(self, target: Target, runner: Runner) -> None:
        self.target = target
        self.live = Lane(target, runner)
        self.scheduled = Lane(target, runner)

    def close(self) -> None:
        self.live.close()
        self.scheduled.close()


class Scheduler:
    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._watched: dict[str, _Watched] = {}
        self._due: list[tuple[float, int, _Watched | None, Collector | None]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._clock = threading.Thread(target=self._tick, name="tocsin-clock", daemon=True)

    def targets(self) -> list[Target]:
        return [w.target for w in self._watched.values()]

    def target(self, name: str) -> Target | None:
        watched = self._watched.get(name)
        return watched.target if watched else None

    def apply(self, config: Config) -> None:
        """Watch what the configuration says: keep unchanged targets as they are, with their sessions and records."""
        fresh: dict[str, _Watched] = {}
        started = []
        for options in config.targets:
            known = self._watched.get(options.name)
            target = Target(options, config.thresholds)
            if known is not None and known.target.options == options and known.target.levels == target.levels:
                fresh[options.name] = known
            else:
                fresh[options.name] = _Watched(target, self.runner)
                started.append(fresh[options.name])
        gone = [w for name, w in self._watched.items() if fresh.get(name) is not w]
        with self._changed:
            self._watched = fresh
            self._due = [entry for entry in self._due if entry[2] is None or entry[2] not in gone]
            heapq.heapify(self._due)
            # First the old, so that nothing of theirs comes after what the new ones find.
            for watched in gone:
                watched.close()
                self.runner.store.drop_target(watched.target.name)
            for watched in started:
                for collector in watched.target.scheduled:
                    self._plan(random.uniform(0, 0.5), watched, collector)  # noqa: S311 -- spreads load
            self._changed.notify()

    def start(self) -> None:
        with self._changed:
            self._plan(_PRUNE_EVERY, None, None)
        self._clock.start()

    def stop(self) -> None:
        """Start nothing more and let go of the targets; what is still running ends at its deadline."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        for watched in self._watched.values():
            watched.close()

    def scrape(self, targets: Iterable[Target], deadline: float) -> None:
        """Bring the live collectors of the targets up to date, all targets at once, by the deadline (monotonic seconds).

        Two scrapes at the same moment share one run. A run that overstays is taken off the page, and until
        it ends, which its driver sees to, later scrapes do not wait for it.
        """
        began = time.monotonic()
        # A little earlier than the scrape's own end, so that the driver's own words arrive as the reason.
        drivers_deadline = deadline - min(0.25, (deadline - began) * 0.1)
        batches = []
        for target in targets:
            watched = self._watched.get(target.name)
            if watched is not None and watched.target.live:
                batches.append((watched, watched.live.start(watched.target.live, drivers_deadline)[0]))
        for watched, batch in batches:
            earlier = batch.overstayed
            if earlier or not batch.done.wait(max(0.0, deadline - time.monotonic())):
                batch.overstayed = True
                self.runner.abandon(watched.target, batch.runs, time.monotonic() - began, finished=earlier)

    def run_scheduled_once(self, targets: Iterable[Target], deadline: float) -> None:
        """Do all scheduled collectors of the targets now and wait for them, for commands that look once."""
        began = time.monotonic()
        for target in targets:
            lane = self._watched[target.name].scheduled
            for collector in target.scheduled:  # one at a time, as on their clocks
                batch, _ = lane.start([collector], deadline)
                if not batch.done.wait(max(0.0, deadline - time.monotonic())):
                    self.runner.abandon(target, batch.runs, time.monotonic() - began)
                    break

    def _plan(self, delay: float, watched: _Watched | None, collector: Collector | None) -> None:
        heapq.heappush(self._due, (time.monotonic() + delay, next(self._order), watched, collector))

    def _tick(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopped:
                    return
                _, _, watched, collector = heapq.heappop(self._due)
                if watched is None or collector is None:
                    self._plan(_PRUNE_EVERY, None, None)
                else:
                    self._start(watched, collector)
            if watched is None:
                self._prune()

    def _start(self, watched: _Watched, collector: Collector) -> None:
        every = watched.target.scheduled[collector]
        deadline = time.monotonic() + collector.timeout
        batch, new = watched.scheduled.start([collector], deadline)
        if not new and not batch.overstayed and batch.is_late():
            batch.overstayed = True
            self.runner.abandon(watched.target, batch.runs, batch.runs[0].collector.timeout)
        jitter = random.uniform(0.95, 1.05)  # noqa: S311 -- keeps targets from running in step
        self._plan(every * jitter if new else _BUSY_PAUSE, watched, collector)

    def _prune(self) -> None:
        try:
            self.runner.journal.prune()
        except JournalError as error:
            _log.warning("%s", error)
