"""The collector of a files target: what is looked at in a run, by whom it was told, and the series of it all."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from typing import Any

from tocsin.filewatch.metrics import UNSEEN as FILE_UNSEEN
from tocsin.filewatch.metrics import emit_file
from tocsin.filewatch.state import DIRECTORY, Seen, shown
from tocsin.source import Run
from tocsin.sources.files import metrics as m
from tocsin.sources.files.rehash import Rehash
from tocsin.sources.files.round import Round
from tocsin.sources.files.scope import Earlier
from tocsin.sources.files.session import FilesSession
from tocsin.sources.files.settle import QUIET
from tocsin.sources.files.view import View

_SHARE = 0.01
"""What looking without being told of anything may take of a core."""
_MOST_SAVED = 3.0
_SETTLE_ROUNDS = 8
_MOST_UNSEEN = 20


def collect_files(session: FilesSession, run: Run) -> None:
    """Tell what has changed since the last run that was written, each thing once: what was seen and its events are one transaction."""
    view = session.view
    try:
        _collect(view, run)
    except BaseException:
        view.forget()  # what this run has taken in is not written: the next one compares everything
        raise


def _collect(view: View, run: Run) -> None:
    token = run.recall("token")
    if token is None or token != view.token:
        view.forget()
    began_anew = view.token is None
    earlier = _reconfigured(view, run)
    round = Round(view, run, earlier=Earlier(*earlier[:3]) if earlier else None)
    view.limits.discard("time")
    dirty, everything = view.tree.take()
    view.ways.spread(dirty)
    if earlier:
        round.forget_bases(earlier[-1])
    round.plan_bases()
    round.plan_mounts()
    if began_anew:
        round.go("start")
    else:
        for path, names in view.due.items():
            known = dirty.get(path, set())
            dirty[path] = None if names is None or known is None else names | known
        round.plan(dirty, dirty)
        round.go("told")
        if everything:
            round.plan(list(view.folders))
            round.go("overflow" if view.tree.overflows else "start")
        _look_around(view, round)
    Rehash(round).go()
    _let_settle(view, round)
    round.listen_above()
    round.finish()
    _remember(view, run)
    _emit(view, run)


def _reconfigured(view: View, run: Run) -> list[Any] | None:
    """Return what was configured when the journal was last written, None where it was the same; and remember what is now."""
    kept = run.recall("config")
    o = view.options
    fresh = json.dumps([o.paths, o.exclude, o.depth, view.patterns.bases]).encode()
    if kept != fresh:
        run.remember("config", fresh)
    return json.loads(kept) if kept is not None and kept != fresh else None


def _look_around(view: View, round: Round) -> None:
    """Look into directories of which nobody tells, and now and then into all others: the longest unseen first, in bounded time."""
    now = time.monotonic()
    view.credit = min(_MOST_SAVED, view.credit + _SHARE * (now - view.credited))
    view.credited = now
    if view.credit <= 0:
        return
    told = view.tree.is_open
    due = [f for f in view.folders.values() if not told or f.mode != "inotify" or now > f.looked + view.options.look_every]
    for folder in sorted(due, key=lambda f: f.looked):
        began, cpu = time.monotonic(), time.thread_time()
        round.plan([folder.path])
        round.go("clock")
        # What is done from the side takes none of our own time.
        view.credit -= max(time.thread_time() - cpu, (time.monotonic() - began) / 4)
        if view.credit <= 0:
            break


def _let_settle(view: View, round: Round) -> None:
    """Look again at what may not be over: at once where nobody will tell, else when the kernel's news have become quiet."""
    if view.tree.is_open:
        for path, names in view.due.items():
            if round.settling.soon:
                view.tree.mark(path, names)
        return
    for _ in range(_SETTLE_ROUNDS):
        if not round.settling.soon or round.run.remaining() < 2 * QUIET:
            break
        time.sleep(QUIET)
        round.settling.soon = False
        round.plan(view.due, dict(view.due))
        round.go("clock")


def _remember(view: View, run: Run) -> None:
    texts = int(run.recall("texts") or b"0") + view.texts_more
    if view.texts_more:
        run.remember("texts", str(texts).encode())
    view.texts, view.texts_more = texts, 0
    if run.remembered or view.token is None:
        view.token = os.urandom(8).hex().encode()
        run.remember("token", view.token)


def _emit(view: View, run: Run) -> None:
    for p, pattern in enumerate(view.patterns):
        files, directories, size = view.totals.get(p, (0, 0, 0))
        label = (shown(pattern.text),)
        run.emit(m.FILES, files, label)
        run.emit(m.DIRECTORIES, directories, label)
        run.emit(m.BYTES, size, label)
    total = sum(numbers[0] for numbers in view.totals.values())
    run.emit(m.UNSHOWN, max(0, total - len(view.shown) - sum(state.kind != DIRECTORY for state in view.named.values())))
    for mode, count in Counter({"inotify": 0, "polling": 0} | Counter(f.mode or "polling" for f in view.folders.values())).items():
        run.emit(m.MODE, count, (mode,))
    for reason, count in Counter(u.reason for u in view.unseen.values()).items():
        run.emit(m.UNSEEN, count, (reason,))
    for limit in m.LIMITS:
        reached = limit in view.limits if limit != "watches" else view.tree.is_refused
        run.emit(m.LIMIT, int(reached), (limit,))
    run.emit(m.PENDING, view.pending)
    run.emit(m.READ, view.pace.total)
    for cause in ("told", "clock", "start", "overflow"):
        run.emit(m.LOOKS, view.looks[cause], (cause,))
    run.emit(m.REFUSALS, view.tree.refusals)
    looked = min((f.looked for f in view.folders.values() if f.looked), default=None)
    run.emit(m.LOOK_AGE, round(time.monotonic() - looked, 3) if looked is not None else None)
    _emit_files(view, run)


def _emit_files(view: View, run: Run) -> None:
    for path in sorted({*view.explicit, *view.shown}):
        seen: Seen = view.named.get(path) or view.shown.get(path)
        if seen is None:
            seen = view.unseen.get(path.rpartition("/")[0] or "/")
        emit_file(run, path, seen)
    for path, unseen in sorted(view.unseen.items())[:_MOST_UNSEEN]:
        if path not in view.explicit and path not in view.shown:
            run.emit(FILE_UNSEEN, 1, (shown(path), unseen.reason))
