"""One collector on one target, once; what came of it; and the only broad `except`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, Protocol

from tocsin import catalog, exposition, vitals
from tocsin.errors import CollectError, ConnectError, DeadlineError, InternalError, JournalError, Unsupported
from tocsin.event import Event, EventKind, one_line
from tocsin.journal import Journal
from tocsin.metric import Labels, Metric, Value
from tocsin.options import Levels, TargetOptions
from tocsin.source import Collector, Run, Session
from tocsin.sql import own_collectors
from tocsin.store import Store

_log = logging.getLogger("tocsin.runner")


class Say(Protocol):
    def __call__(self, metric: Metric, value: Value, /, *labels: str) -> None: ...


@dataclass(slots=True)
class Record:
    """What is known about one collector of one target."""

    success: bool | None = None
    error: CollectError | None = None
    duration: float = 0.0
    series: int = 0
    dropped: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    succeeded_at: float | None = None


class Suspension(NamedTuple):
    """Why a target is not connected to: what answers at its address now may be another one."""

    reason: str
    is_down: bool
    """Whether the target itself is known to be down; otherwise nobody knows."""


class Target:
    """One watched instance: its options, its collectors, and how they fare."""

    def __init__(
        self,
        options: TargetOptions,
        defaults: dict[str, Levels] | None = None,
        *,
        found: bool = False,
        suspension: Suspension | None = None,
    ) -> None:
        """`found` says that nobody configured it."""
        self.options = options
        self.found = found
        self.suspension = suspension
        self.name = options.name
        self.source = catalog.source(options.kind)
        offered = [*self.source.collectors, *own_collectors(options)]
        chosen = [c for c in offered if options.collectors.get(c.name, c.enabled)]
        self.live = [c for c in chosen if c.every is None]
        self.scheduled = {c: float(options.every.get(c.name, c.every)) for c in chosen if c.every is not None}
        instance = {} if options.stands_alone else {"instance": options.name}
        self.named = exposition.constants({**instance, **options.labels})
        """Labels of what Tocsin says about the target."""
        self.constant = self.named if options.carries_instance else exposition.constants(options.labels)
        """Labels of what the target's collectors say, and of the levels that rules compare that with."""
        self.levels = self._levels(defaults or {})
        self.lock = threading.Lock()
        self.up: bool | None = None
        self.scrapes = 0
        self.scrape_seconds = 0.0
        self.error: CollectError | None = None
        self.records = {c: Record() for c in chosen}
        self.watch_modes: dict[str, bool] = {}
        """By which ways changes wake scheduled collectors, and whether each works now."""

    def _levels(self, defaults: dict[str, Levels]) -> dict[tuple[str, str], float]:
        """Return the thresholds in force by signal and severity: the target's, else the file's, else the source's."""
        found: dict[tuple[str, str], float] = {}
        for threshold in self.source.thresholds:
            own = self.options.thresholds.get(threshold.signal) or defaults.get(threshold.signal)
            levels = own or Levels(warning=threshold.warning, critical=threshold.critical)
            for severity in ("warning", "critical"):
                value = getattr(levels, severity)
                if value is not None:
                    found[threshold.signal, severity] = value
        return found

    def is_like(self, other: Target) -> bool:
        """Tell whether it may be watched on in the other's place."""
        return (self.options, self.levels, self.found, self.suspension) == (other.options, other.levels, other.found, other.suspension)

    def decides_up(self, collectors: list[Collector]) -> bool:
        """Tell whether these runs say if the target answers: the live ones do, where there are any."""
        return not self.live or any(c in self.live for c in collectors)


@dataclass(slots=True)
class Access:
    """A way to a target that outlives one run: the session, opened when it is first needed."""

    target: Target
    session: Session | None = None

    def close(self) -> None:
        if self.session is not None:
            session, self.session = self.session, None
            session.close()


def guarded(name: str, action: Callable[[], None]) -> CollectError | None:
    """Do something on behalf of what is called so, and return how it failed, None if it did not."""
    try:
        action()
    except Unsupported:
        return None
    except CollectError as error:
        return error
    except JournalError as error:
        return InternalError(str(error))
    except Exception as error:  # noqa: BLE001 -- the one place: a mistake in one collector must not harm another
        _log.exception("%s: a mistake of ours, please report it", one_line(name))
        return InternalError(f"{name}: {type(error).__name__}: {error}")
    return None


class Runner:
    def __init__(self, journal: Journal | None, store: Store) -> None:
        """Without a journal nothing is remembered and no event is told."""
        self.journal = journal
        self.store = store
        self.suspicion: Callable[[str], Suspension | None] = lambda _name: None
        """Tells of a target that was found, by its name, why it is not to be connected to right now."""

    def new_run(self, target: Target, collector: Collector, deadline: float) -> Run:
        key = f"{target.options.kind}.{collector.name}"
        journal = self.journal
        if journal is None:
            return Run(collector, deadline, limit=target.options.series_limit)
        run = Run(collector, deadline, lambda k: journal.recall(target.name, key, k), target.options.series_limit)
        run.found = target.found
        return run

    def execute(self, access: Access, runs: list[Run]) -> None:
        """Do the runs one after another over one session, and commit each as it ends."""
        target = access.target
        began = started = time.monotonic()
        error = self.guard(target, lambda: self._begin(access, runs))
        if error is not None:
            error.lost = True
        self._note_up(target, runs, error)
        for run in runs:
            if error is None:
                error = self.guard(target, partial(run.collector.collect, access.session, run))
                if error is not None and error.lost:
                    self._note_up(target, runs, error)
            now = time.monotonic()
            run.duration, started = now - started, now
            self._commit(target, run, error)
            if error is not None and not error.lost:
                error = None  # the session is still good for the others
        if error is not None:
            access.close()
        if runs and runs[0].collector.every is None:
            with target.lock:
                target.scrapes += 1
                target.scrape_seconds = time.monotonic() - began

    @staticmethod
    def _note_up(target: Target, runs: list[Run], error: CollectError | None) -> None:
        with target.lock:
            if not target.decides_up([r.collector for r in runs]) or all(r.abandoned for r in runs):
                return
            Runner._turn(target, error)

    @staticmethod
    def _turn(target: Target, error: CollectError | None) -> None:
        """Take in whether the target answers, and log it when that has changed. The caller holds the lock."""
        if error is not None and (target.error is None or target.error.reason != error.reason):
            _log.warning("%s: does not answer (%s): %s", one_line(target.name), error.reason, one_line(str(error)))
        elif error is None and target.up is False:
            _log.warning("%s: answers again", one_line(target.name))
        nobody_knows = target.suspension is not None and not target.suspension.is_down
        target.up, target.error = None if nobody_knows else error is None, error

    def refuse(self, target: Target, runs: list[Run], reason: str) -> None:
        """Fail runs that could not even be started."""
        error = InternalError(f"{target.name}: {reason}", lost=True)
        self._note_up(target, runs, error)
        for run in runs:
            self._commit(target, run, error)

    def admit(self, target: Target) -> None:
        """Raise ConnectError for a target that is not to be connected to."""
        suspension = target.suspension or (self.suspicion(target.name) if target.found else None)
        if suspension is not None:
            raise ConnectError(f"{target.name}: {suspension.reason}", lost=True)

    def _begin(self, access: Access, runs: list[Run]) -> None:
        self.admit(access.target)
        path = getattr(access.target.options, "path", None)
        if access.target.found and path is not None and os.path.realpath(path) != str(path):
            # Whoever may write where it was found could have us read what only we may.
            raise ConnectError(f"{path} is behind a link now, which nobody follows for a database that was merely found", lost=True)
        if access.session is None:
            access.session = access.target.source.open(access.target.options)
        access.session.begin(runs)

    @staticmethod
    def guard(target: Target, action: Callable[[], None]) -> CollectError | None:
        """Do something that touches the target, and return how it failed, None if it did not."""
        return guarded(target.name, action)

    def _commit(self, target: Target, run: Run, error: CollectError | None) -> None:
        """Make the run's outcome visible: all its samples, or why there are none, or only those that it keeps."""
        key = f"{target.options.kind}.{run.collector.name}"
        families: exposition.Families = {}
        if error is None or run.keeps:
            spoiled = self.guard(target, lambda: families.update(self._rendered(target, run)))
            error = error or spoiled
        # Before the lock: a disk that takes its time must not hold up a scrape.
        if not run.abandoned:
            error = self._write(target, key, run, error)
        with target.lock:
            if run.abandoned:
                run.finished = True
                return
            record = target.records[run.collector]
            record.duration = run.duration
            if error is None:
                self.store.put(target.name, key, families)
                record.succeeded_at = time.time()
            else:
                self.store.put(target.name, key, families) if run.keeps else self.store.drop(target.name, key)
                record.failures[error.reason] = record.failures.get(error.reason, 0) + 1
            self._log_turn(target, key, record, error)
            record.success, record.error = error is None, error
            record.series = run.series if error is None or run.keeps else 0
            record.dropped += run.dropped
            run.finished = True

    @staticmethod
    def _rendered(target: Target, run: Run) -> exposition.Families:
        if target.source.finish is not None:
            target.source.finish(target.options, run)
        families = exposition.render(run.points, target.constant)
        run.points = {}  # the batch is kept until the next scrape, its samples need not be
        return families

    def _write(self, target: Target, key: str, run: Run, error: CollectError | None) -> CollectError | None:
        """Write the run's events and memories, of a failed run those it asked to keep; return what is wrong then."""
        if error is not None:
            count, run.remembered = run.kept
            del run.events[count:]
        journal = self.journal
        if journal is None or (not run.events and not run.remembered):
            return error
        events = [replace(e, target=target.name, source=target.options.kind) for e in run.events]
        written: list[Event] = []
        refused = self.guard(target, lambda: written.extend(journal.commit(target.name, key, events, run.remembered, run.recalled)))
        for event in written:
            words = (one_line(target.name), event.object_kind, one_line(event.object), event.change, event.risk, event.reason)
            _log.warning("%s: %s %s %s (%s): %s", *words)
        return error or refused

    @staticmethod
    def _log_turn(target: Target, key: str, record: Record, error: CollectError | None) -> None:
        """Log the first failure and the recovery, not each repetition, and not what was said of the whole target."""
        if error is not None and not error.lost and (record.error is None or record.error.reason != error.reason):
            _log.warning("%s: %s failed (%s): %s", one_line(target.name), key, error.reason, one_line(str(error)))
        elif error is None and record.error is not None and not record.error.lost:
            _log.warning("%s: %s works again", one_line(target.name), key)

    def abandon(self, target: Target, runs: list[Run], seconds: float, *, finished: bool = False) -> None:
        """Take runs that overstayed off the page: no samples, and `timeout` as the reason. Their late results are thrown away.

        With `finished` also those that ended in time: a later scrape waited in vain for their next values.
        When none of them is left, that is one line in the log about the target, not one of each.
        """
        error = DeadlineError(f"{target.name}: no answer within {seconds:.1f} s")
        with target.lock:
            late = [r for r in runs if not r.abandoned and (finished or not r.finished)]
            for run in late:
                run.abandoned = True
            error.lost = all(r.abandoned for r in runs) and target.decides_up([r.collector for r in runs])
            for run in late:
                key = f"{target.options.kind}.{run.collector.name}"
                self.store.drop(target.name, key)
                record = target.records[run.collector]
                record.failures["timeout"] = record.failures.get("timeout", 0) + 1
                self._log_turn(target, key, record, error)
                record.success, record.error, record.series = False, error, 0
            if late and error.lost:
                self._turn(target, error)

    @staticmethod
    def disown(target: Target, runs: list[Run]) -> None:
        """Throw away what the runs will still find: their target is watched no longer, or by another lane."""
        with target.lock:
            for run in runs:
                run.abandoned = True

    def vitals(self, target: Target, names: Collection[str] = ()) -> exposition.Families:
        """Render what Tocsin itself knows about a target and its collectors; with `names` about those alone."""
        points: dict[Metric, dict[Labels, Value]] = {}

        def say(metric: Metric, value: Value, *labels: str) -> None:
            points.setdefault(metric, {})[labels] = value

        kind = target.options.kind
        with target.lock:
            say(vitals.TARGET_INFO, 1, kind, target.options.address)
            if target.up is not None:
                say(vitals.TARGET_UP, int(target.up), kind)
                say(target.source.up, int(target.up))
            if target.error is not None:
                say(vitals.TARGET_FAILING, 1, kind, target.error.reason)
            for mode, works in list(target.watch_modes.items()):
                say(vitals.WATCH_MODE, int(works), mode)
            for (signal, severity), value in target.levels.items():
                say(vitals.THRESHOLD, value, signal, severity)
            records = {c: record for c, record in target.records.items() if not names or c.name in names}
            for collector, record in records.items():
                self._say_record(say, f"{kind}.{collector.name}", collector in target.scheduled, record)
            self._say_reference(say, target, records)
        if self.journal is not None:
            self._say_journal(say, target, self.journal)
        reference = target.source.reference.metrics if target.source.reference else ()
        of_series = {metric: points.pop(metric, {}) for metric in (vitals.THRESHOLD, *reference)}
        return exposition.render(points, target.named) | exposition.render(of_series, target.constant)

    @staticmethod
    def _say_record(say: Say, name: str, scheduled: bool, record: Record) -> None:
        say(vitals.COLLECTOR_DROPPED, record.dropped, name)
        for reason, count in record.failures.items():
            say(vitals.COLLECTOR_FAILURES, count, name, reason)
        if record.success is None:
            return
        say(vitals.COLLECTOR_SUCCESS, int(record.success), name)
        say(vitals.COLLECTOR_DURATION, record.duration, name)
        say(vitals.COLLECTOR_SERIES, record.series, name)
        if record.error is not None:
            say(vitals.COLLECTOR_FAILING, 1, name, record.error.reason)
        if scheduled:
            say(vitals.COLLECTOR_DEFERRED, int(record.error is not None and record.error.reason == "locked"), name)
        if scheduled and record.succeeded_at is not None:
            say(vitals.COLLECTOR_AGE, round(time.time() - record.succeeded_at, 3), name)

    @staticmethod
    def _say_reference(say: Say, target: Target, records: dict[Collector, Record]) -> None:
        """Say the same as the source's reference exporter does, under its names."""
        reference = target.source.reference
        if reference is None:
            return
        for collector, record in records.items():
            if record.success is not None:
                say(reference.collector_success, int(record.success), reference.prefix + collector.name)
                say(reference.collector_duration, record.duration, reference.prefix + collector.name)
        for metric, value in (
            (reference.scrapes, target.scrapes),
            (reference.scrape_duration, target.scrape_seconds),
            (reference.scrape_error, int(not target.up)),
        ):
            if metric is not None:
                say(metric, value)

    @staticmethod
    def _say_journal(say: Say, target: Target, journal: Journal) -> None:
        kinds: dict[str, int] = {}
        changes: dict[Labels, int] = {}
        newest: dict[str, float] = {}
        for (kind, database, *sort, security), (count, last) in journal.totals(target.name).items():
            kinds[kind] = kinds.get(kind, 0) + count
            if kind == EventKind.SCHEMA:
                labels = (database, *sort)
                changes[labels] = changes.get(labels, 0) + count
                newest[database] = max(last, newest.get(database, 0.0))
                if security:
                    say(vitals.SCHEMA_SECURITY_CHANGES, count, *labels)
        for labels, count in changes.items():
            say(vitals.SCHEMA_CHANGES, count, *labels)
        for kind, count in kinds.items():
            say(vitals.EVENTS, count, kind)
        for database, last in newest.items():
            say(vitals.SCHEMA_LAST_CHANGE, last, database)
        for event in journal.recent_changes(target.name):
            labels = (event.database or "", event.object_kind, event.object, event.change, event.risk or "")
            say(vitals.SCHEMA_CHANGE_TIME, event.time or 0.0, *labels, "yes" if event.security else "no")
