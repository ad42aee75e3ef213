"""File systems asked from the side: one that hangs holds up nobody, and is not asked again until it has answered."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TypeAlias

_log = logging.getLogger("tocsin.host")

Key: TypeAlias = tuple[int, str]
"""Number and place of a mount: what is mounted anew at the same place is another one."""

MOST_THREADS = 32
"""Bound of the threads that hang at one time; what does not get one is not asked, and counts as hung."""
_STEP = 0.02
"""Seconds for which all threads must be stuck before another one takes over the rest."""


class Question:
    """One file system, asked once. `answer` is None until it comes."""

    __slots__ = ("answer", "key", "overdue", "path", "since")

    def __init__(self, key: Key, path: str, since: float) -> None:
        self.key = key
        self.path = path
        self.since = since
        self.overdue = False
        self.answer: os.statvfs_result | OSError | None = None

    def is_overdue(self, patience: float) -> bool:
        """Tell whether it has had its time; the first time that it has, the log says so."""
        if time.monotonic() - self.since < patience:
            return False
        if not self.overdue:
            self.overdue = True
            _log.warning("the file system at %s hangs", self.path)
        return True


class Watchdog:
    """Few threads, none of them while nothing is asked.

    A thread within statfs(2) on a dead server cannot be told to give up. So it is left behind with its question, and another
    one asks the remaining file systems; who asks again for the one that hangs gets the old question, not a second thread. The
    threads are daemons and no pool: the process ends without waiting for them.
    """

    def __init__(self, most_threads: int = MOST_THREADS) -> None:
        self._most = most_threads
        self._changed = threading.Condition()
        self._open: dict[Key, Question] = {}
        self._queue: deque[Question] = deque()
        self._threads = 0

    @property
    def threads(self) -> int:
        return self._threads

    def ask(self, paths: Iterable[tuple[Key, str]]) -> list[Question]:
        """Begin to ask, and return at once with a question for each path."""
        now = time.monotonic()
        with self._changed:
            questions = [self._open.get(key) or self._enter(Question(key, path, now)) for key, path in paths]
            busy = len(self._open) - len(self._queue)
            if self._queue and self._threads <= busy:
                self._recruit()
            return questions

    def _enter(self, question: Question) -> Question:
        self._open[question.key] = question
        self._queue.append(question)
        return question

    def _recruit(self) -> None:
        if self._threads < self._most:
            threading.Thread(target=self._work, name="tocsin-statfs", daemon=True).start()
            self._threads += 1

    def wait(self, questions: Sequence[Question], patience: float, deadline: float) -> bool:
        """Wait until each has its answer, or has had `patience` seconds for it: then it counts as hung.

        False: the deadline came before one had as much time. It is still asked, and who waits again need not wait as long.
        """
        with self._changed:
            while waited := [q for q in questions if q.answer is None and not q.is_overdue(patience)]:
                remaining = min(deadline, min(q.since for q in waited) + patience) - time.monotonic()
                if deadline <= time.monotonic():
                    return False
                backlog = len(self._queue)
                if not self._changed.wait(max(0.0, min(remaining, _STEP))) and self._queue and len(self._queue) == backlog:
                    self._recruit()
            return True

    def _work(self) -> None:
        while (question := self._next()) is not None:
            answer: os.statvfs_result | OSError
            try:
                answer = os.statvfs(question.path)
            except OSError as error:
                answer = error.with_traceback(None)
            except ValueError:  # a name that no system call takes
                answer = OSError(2, os.strerror(2))
            with self._changed:
                question.answer = answer
                del self._open[question.key]
                if not self._queue:
                    self._changed.notify_all()
            if question.overdue:
                _log.warning("the file system at %s answers again", question.path)

    def _next(self) -> Question | None:
        with self._changed:
            if not self._queue:
                self._threads -= 1
                return None
            question = self._queue.popleft()
            question.since = time.monotonic()
            return question


WATCHDOG = Watchdog()
"""The process's: a mount hangs for all targets alike, and a new configuration must not ask it again."""
