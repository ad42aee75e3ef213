"""What runs when: live collectors when scraped, scheduled ones on their clocks. The only module that knows threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from tocsin.allowance import Allowance
from tocsin.config import Config
from tocsin.errors import JournalError
from tocsin.runner import Access, Runner, Suspension, Target
from tocsin.source import Collector, Run
from tocsin.waking import wakers

_log = logging.getLogger("tocsin.scheduler")

_TIDY_EVERY = 30.0
_PRUNE_EVERY = 300.0
_BUSY_PAUSE = 0.5
_SHORTEST_REST = 0.2
_FULLNESS = 100
_MOST_AT_ONCE = 16
"""Targets whose scheduled collectors a command that looks once runs at the same time."""


class Batch:
    """Runs that go together over one session, in a thread of their own."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs
        self.done = threading.Event()
        self.ended_at = 0.0
        self.overstayed = False

    def is_late(self) -> bool:
        """Tell whether all runs are past their deadline, and their driver has had time to say why."""
        return bool(self.runs) and all(time.monotonic() > run.deadline + _BUSY_PAUSE for run in self.runs)

    def covers(self, collectors: Iterable[Collector]) -> bool:
        """Tell whether these collectors are among the runs; a closed lane's batch has none, and none will come."""
        return not self.runs or {run.collector for run in self.runs}.issuperset(collectors)


class Lane:
    """One way to a target, used by one batch at a time: a run that is still going is never started again."""

    def __init__(self, target: Target, runner: Runner, *, keeps: bool = True) -> None:
        """With `keeps` the way to the target stays open between batches."""
        self.target = target
        self._runner = runner
        self._keeps = keeps
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

    def is_idle(self) -> bool:
        return self.current is None or self.current.done.is_set()

    def _work(self, batch: Batch) -> None:
        try:
            self._runner.execute(self._access, batch.runs)
        finally:
            if not self._keeps:
                self._access.close()
            with self._lock:
                batch.ended_at = time.monotonic()
                batch.done.set()
                if self._closed:
                    self._access.close()

    def close(self) -> None:
        """Let go of the target, at once or when the batch that is going ends, whose results are thrown away."""
        with self._lock:
            self._closed = True
            if self.is_idle():
                self._access.close()
            elif self.current is not None:
                self._runner.disown(self.target, self.current.runs)

    def abandon(self, batch: Batch, collectors: list[Collector], seconds: float) -> None:
        """Note that these collectors brought nothing in time: in the batch, which then is not waited for again, or behind it."""
        if batch.covers(collectors):
            finished, batch.overstayed = batch.overstayed, True
            self._runner.abandon(self.target, batch.runs, seconds, finished=finished)
        else:  # the batch is somebody else's, who may have more time
            self._runner.abandon(self.target, [self._runner.new_run(self.target, c, 0.0) for c in collectors], seconds)


def collect(lanes: Iterable[Lane], deadline: float, names: Collection[str] = ()) -> None:
    """Bring the live collectors of the lanes' targets up to date, all targets at once, by the deadline (monotonic seconds).

    With `names` only those collectors. Two scrapes at the same moment share one run. A run that overstays is taken
    off the page, and until it ends, which its driver sees to, later scrapes do not wait for it.
    """
    began = time.monotonic()
    # A little earlier than the scrape's own end, so that the driver's own words arrive as the reason.
    drivers_deadline = deadline - min(0.25, (deadline - began) * 0.1)
    started = []
    for lane in lanes:
        wanted = [c for c in lane.target.live if not names or c.name in names]
        if wanted:
            started.append((lane, wanted, lane.start(wanted, drivers_deadline)[0]))
    for lane, wanted, first in started:
        batch = first
        while True:
            if batch.overstayed or not batch.done.wait(max(0.0, deadline - time.monotonic())):
                lane.abandon(batch, wanted, time.monotonic() - began)
                break
            if batch.covers(wanted):
                break
            batch, _ = lane.start(wanted, drivers_deadline)  # somebody had asked for other collectors


class _Watched:
    """A target with its lanes: a long inspection stands in the way neither of a scrape nor of news."""

    def __init__(self, target: Target, runner: Runner, wake: Callable[[_Watched], None]) -> None:
        self.target = target
        self.live = Lane(target, runner)
        self.scheduled = Lane(target, runner, keeps=False)  # what runs once a minute or an hour holds no connection between
        self.woken = Lane(target, runner)
        self.clocks = [_Clock(self, collector) for collector in target.scheduled]
        self.wakers = [] if target.suspension else wakers(runner, target, lambda: wake(self))

    def close(self) -> None:
        for waker in self.wakers:
            waker.stop()
        for lane in (self.live, self.scheduled, self.woken):
            lane.close()


class _Clock:
    """When one scheduled collector of one target runs next."""

    def __init__(self, watched: _Watched, collector: Collector) -> None:
        self.watched = watched
        self.collector = collector
        self.lane = watched.woken if collector.wakes else watched.scheduled
        self.every = watched.target.scheduled[collector]
        self.due = 0.0
        self.woken = False
        self.batch: Batch | None = None
        self._unpaid: Batch | None = None
        self._allowance = Allowance()

    @property
    def target(self) -> Target:
        return self.watched.target

    def rested_at(self) -> float:
        """Return when it may run again before its time (monotonic seconds): soon, and later where it was woken all the time."""
        if self.batch is None:
            return 0.0
        if not self.batch.done.is_set():
            return time.monotonic() + _SHORTEST_REST
        self._pay()
        return min(self.batch.ended_at + self.every, max(self.batch.ended_at + _SHORTEST_REST, self._allowance.ready_at()))

    def started(self, batch: Batch) -> None:
        """Note that it runs. What runs by the clock costs what the clock was set to, and nothing of what there is for being woken."""
        self._pay()
        self.batch = batch
        self._unpaid = batch if self.woken else None
        self.woken = False

    def _pay(self) -> None:
        if self._unpaid is not None:
            self._allowance.spend(max(run.duration for run in self._unpaid.runs), self._unpaid.ended_at)
            self._unpaid = None


class Scheduler:
    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._watched: dict[str, _Watched] = {}
        self._due: list[tuple[float, int, _Clock | None]] = []
        self._fullness = _FULLNESS
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._started = self._stopped = False
        self.tidiers: list[Callable[[], None]] = [self._prune]
        """Called now and then, by the clock's thread."""
        self.hearers: list[Callable[[Target], None]] = []
        """Called when a target tells that something may have moved, by the thread that listens to it; they must not wait."""
        self._pruned_at = time.monotonic()
        self._clock = threading.Thread(target=self._tick, name="tocsin-clock", daemon=True)

    def targets(self) -> list[Target]:
        return [w.target for w in self._watched.values()]

    def target(self, name: str) -> Target | None:
        watched = self._watched.get(name)
        return watched.target if watched else None

    def apply(self, config: Config, found: Mapping[str, Suspension | None] | None = None) -> None:
        """Watch what the configuration says: keep unchanged targets as they are, with their sessions and records.

        `found` are the names of those targets that nobody wrote down, and why each is not connected to.
        """
        found = found or {}
        fresh: dict[str, _Watched] = {}
        started = []
        for options in config.targets:
            known = self._watched.get(options.name)
            target = Target(options, config.thresholds, found=options.name in found, suspension=found.get(options.name))
            if known is not None and known.target.is_like(target):
                fresh[options.name] = known
            else:
                fresh[options.name] = _Watched(target, self.runner, self._wake)
                started.append(fresh[options.name])
        gone = [w for name, w in self._watched.items() if fresh.get(name) is not w]
        with self._changed:
            self._watched = fresh
            self._due = [entry for entry in self._due if entry[2] is None or entry[2].watched not in gone]
            heapq.heapify(self._due)
            # First the old, so that nothing of theirs comes after what the new ones find.
            for watched in gone:
                watched.close()
                self.runner.store.drop_target(watched.target.name)
            for watched in started:
                for clock in watched.clocks:
                    self._plan(time.monotonic() + random.uniform(0, 0.5), clock)  # noqa: S311 -- spreads load
            self._changed.notify()
            listening = [w for one in started for w in one.wakers] if self._started and not self._stopped else []
            for waker in listening:
                waker.start()
        # Not under the lock, which a waker that is just telling something waits for.
        for watched in gone:
            for waker in watched.wakers:
                waker.join()

    def start(self) -> None:
        with self._changed:
            self._started = True
            self._plan(time.monotonic() + _TIDY_EVERY, None)
            for watched in self._watched.values():
                for waker in watched.wakers:
                    waker.start()
        self._clock.start()

    def stop(self) -> None:
        """Start nothing more and let go of the targets; what is still running ends at its deadline."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        for watched in self._watched.values():
            watched.close()
        for watched in self._watched.values():
            for waker in watched.wakers:
                waker.join()

    def scrape(self, targets: Iterable[Target], deadline: float, names: Collection[str] = ()) -> None:
        """Bring the live collectors of the targets up to date, or those that are named; see `collect`."""
        watched = [self._watched.get(target.name) for target in targets]
        collect([w.live for w in watched if w is not None], deadline, names)

    def run_scheduled_once(self, targets: Iterable[Target], seconds: float) -> None:
        """Do all scheduled collectors of the targets now and wait for them, so long for each target; for commands that look once."""
        with ThreadPoolExecutor(_MOST_AT_ONCE, "tocsin-once") as pool:
            list(pool.map(lambda target: self._run_clocks_once(self._watched[target.name], seconds), targets))

    def _run_clocks_once(self, watched: _Watched, seconds: float) -> None:
        began = time.monotonic()
        deadline = began + seconds
        for clock in watched.clocks:  # one at a time, as on their clocks
            batch, _ = clock.lane.start([clock.collector], deadline)
            if not batch.done.wait(max(0.0, deadline - time.monotonic())):
                self.runner.abandon(watched.target, batch.runs, time.monotonic() - began)
                break

    def _wake(self, watched: _Watched) -> None:
        """Run what wants to be woken as soon as it is rested; a run that is going may have looked too early, so another follows."""
        for hear in self.hearers:
            hear(watched.target)
        with self._changed:
            if self._stopped or self._watched.get(watched.target.name) is not watched:
                return
            for clock in watched.clocks:
                if clock.collector.wakes:
                    clock.woken = True
                    due = max(time.monotonic(), clock.rested_at())
                    if due < clock.due:
                        self._plan(due, clock)
            self._changed.notify()

    def _plan(self, due: float, clock: _Clock | None) -> None:
        """Set when a clock comes round; an earlier entry of it means nothing then."""
        if clock is not None:
            clock.due = due
        heapq.heappush(self._due, (due, next(self._order), clock))
        if len(self._due) > 2 * self._fullness:
            self._due = [entry for entry in self._due if entry[2] is None or entry[2].due == entry[0]]
            heapq.heapify(self._due)
            self._fullness = max(_FULLNESS, len(self._due))

    def _tick(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopped:
                    return
                due, _, clock = heapq.heappop(self._due)
                if clock is None:
                    self._plan(time.monotonic() + _TIDY_EVERY, None)
                elif clock.due == due:
                    self._start(clock)
            if clock is None:
                for tidy in self.tidiers:
                    tidy()

    def _start(self, clock: _Clock) -> None:
        now = time.monotonic()
        if clock.woken and clock.batch is not None and clock.batch.done.is_set() and now < clock.rested_at():
            return self._plan(clock.rested_at(), clock)
        batch, new = clock.lane.start([clock.collector], now + clock.collector.timeout)
        if new:
            clock.started(batch)
        elif not batch.overstayed and batch.is_late():
            batch.overstayed = True
            self.runner.abandon(clock.target, batch.runs, batch.runs[0].collector.timeout)
        jitter = random.uniform(0.95, 1.05)  # noqa: S311 -- keeps targets from running in step
        return self._plan(now + (clock.every * jitter if new else _BUSY_PAUSE), clock)

    def _prune(self) -> None:
        if self.runner.journal is None or time.monotonic() < self._pruned_at + _PRUNE_EVERY:
            return
        self._pruned_at = time.monotonic()
        try:
            self.runner.journal.prune()
        except JournalError as error:
            _log.warning("%s", error)
