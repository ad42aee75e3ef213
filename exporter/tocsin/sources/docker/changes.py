"""The collector that owns what happened to containers: it writes the journal, and the series that count it."""

from __future__ import annotations

import time

from tocsin.event import Event, EventKind
from tocsin.source import Run
from tocsin.sources.docker import metrics as m
from tocsin.sources.docker.collect import identity, short
from tocsin.sources.docker.heard import OVERLAP
from tocsin.sources.docker.lifecycle import Change, History, State, advance, baseline
from tocsin.sources.docker.session import DockerSession

_KEY = "state"


def collect_lifecycle(session: DockerSession, run: Run) -> None:
    """Tell what happened since the last run, each thing once: events and state are written in one transaction.

    The events come first and the look second, so that the look knows at least as much as they do. What was heard is kept
    until a later run finds it in what the journal remembers.
    """
    before = run.recall(_KEY)
    state = _state(before)
    heard = session.events(state.last - OVERLAP if state else 1, run)
    seen = {c.id: c for c in session.containers(run)}
    if state is None:
        state = baseline(seen, heard, session.engine.now)
    else:
        state.unexplained = session.view.unexplained
        for change in advance(state, heard, seen, time.time()):
            run.event(_event(change))
        session.view.unexplained = state.unexplained
    after = state.dump()
    if after != before:
        run.remember(_KEY, after)
    session.cgroups.forget_all_but(c.id for c in seen.values() if c.running)
    by_id = {c.id: identity(session, c) for c in seen.values()}
    for history in state.histories.values():
        _emit(run, history, by_id.get(history.id, (f"/docker/{history.id}", history.name, history.image)))


def _state(text: bytes | None) -> State | None:
    if text is None:
        return None
    try:
        return State.load(text)
    except (ValueError, TypeError, KeyError):  # of another version of ours
        return None


def _event(change: Change) -> Event:
    return Event(
        kind=EventKind.CONTAINER,
        object_kind="container",
        object=change.name,
        change=change.change,
        reason=change.reason or None,
        old=change.old,
        new=change.new,
        detail=change.detail,
        time=round(change.time, 3),
    )


def _emit(run: Run, history: History, labels: tuple[str, str, str]) -> None:
    ours = (history.name, history.image)
    for planned, count in history.deaths.items():
        run.emit(m.DEATHS, count, (*ours, planned))
    run.emit(m.STARTS, history.starts, ours)
    for change, count in history.changes.items():
        run.emit(m.CHANGES, count, (*ours, change))
    run.emit(m.CRASHES, len(history.crashes), ours)
    run.emit(m.CRASHED, int(history.crashed), ours)
    run.emit(m.EXIT_CODE, history.exit_code, ours)
    run.emit(m.LAST_CRASH, history.last_crash or None, ours)
    run.emit(m.LAST_OOM, history.last_oom or None, ours)
    run.emit(m.OOM_EVENTS, history.ooms, labels)
    if history.deployed:
        run.emit(m.DEPLOYED, history.deployed, (*ours, short(history.image_id), short(history.deployed_from)))
