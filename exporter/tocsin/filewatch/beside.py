"""Calls that may hang, done from the side: what does not answer is left behind and not asked again until it has answered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tocsin.filewatch.state import shown

_log = logging.getLogger("tocsin.files")
T = TypeVar("T")

MOST_THREADS = 32
"""Bound of the threads at one time, of the whole process; what does not get one counts as hung."""
_RESTING = 5.0


class Hung(Exception):
    """It has not answered in time, or an earlier call has not yet."""


class _Call:
    __slots__ = ("answer", "done", "error", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.done = False
        self.answer: Any = None
        self.error: BaseException | None = None


class _Worker:
    __slots__ = ("call", "stuck")

    def __init__(self) -> None:
        self.call: _Call | None = None
        self.stuck = False


class Beside:
    """A thread for each file system that may hang, kept while it is used.

    A thread that is within a system call on a dead server cannot be told to give up. So it is left behind with its call, and
    whoever asks the same file system meanwhile is told at once that it hangs. Threads are daemons: the process ends without them.
    """

    def __init__(self, most_threads: int = MOST_THREADS) -> None:
        self._most = most_threads
        self._changed = threading.Condition()
        self._workers: dict[str, _Worker] = {}

    def do(self, key: str, work: Callable[[], T], patience: float) -> T:
        """Return what `work` returns, done by the thread of that key; raises Hung, and what `work` raises."""
        call = _Call(work)
        limit = time.monotonic() + patience
        with self._changed:
            worker = self._worker(key)
            while worker.call is not None:  # somebody else's call, which has its own limit
                if worker.stuck or not self._changed.wait(max(0.0, limit - time.monotonic())):
                    raise Hung
                worker = self._worker(key)
            worker.call = call
            self._changed.notify_all()
            while not call.done:
                if not self._changed.wait(max(0.0, limit - time.monotonic())):
                    worker.stuck = True
                    _log.warning("the file system at %s hangs", shown(key))
                    raise Hung
        if call.error is not None:
            raise call.error
        answer: T = call.answer
        return answer

    def _worker(self, key: str) -> _Worker:
        worker = self._workers.get(key)
        if worker is None:
            if len(self._workers) >= self._most:
                raise Hung
            worker = _Worker()
            try:
                threading.Thread(target=self._work, args=(key, worker), name="tocsin-look", daemon=True).start()
            except RuntimeError as error:  # no more threads for this process now
                raise Hung from error
            self._workers[key] = worker
        return worker

    def _work(self, key: str, worker: _Worker) -> None:
        while True:
            with self._changed:
                rested = time.monotonic() + _RESTING
                while worker.call is None:
                    if time.monotonic() >= rested:
                        del self._workers[key]
                        return
                    self._changed.wait(_RESTING)
                call = worker.call
            try:
                call.answer = call.work()
            except BaseException as error:  # noqa: BLE001 -- raised where the answer is waited for
                call.error = error.with_traceback(None)
            with self._changed:
                call.done, worker.call = True, None
                if worker.stuck:
                    worker.stuck = False
                    _log.warning("the file system at %s answers again", shown(key))
                self._changed.notify_all()


BESIDE = Beside()
"""The process's: a file system hangs for all targets alike."""
