"""What wakes a target's scheduled collectors before their clocks do: its files, or the target itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from tocsin.errors import InternalError
from tocsin.runner import Runner, Target
from tocsin.watch import Files

_log = logging.getLogger("tocsin.waking")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_JOIN_SECONDS = 2.0


class Waker:
    """A thread that does one hook's work for one target until it is stopped, after a failure again with growing pauses."""

    def __init__(self, runner: Runner, target: Target, work: Callable[[threading.Event], None], interrupt: Callable[[], None]) -> None:
        self._runner = runner
        self._target = target
        self._work = work
        self._interrupt = interrupt
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tocsin-wake-{target.name}", daemon=True)

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError as error:
            _log.warning("%s: changes are found by the clock alone: %s", self._target.name, error)

    def stop(self) -> None:
        self._stopped.set()
        self._interrupt()

    def join(self) -> None:
        """Wait for the thread, but not long: one that hangs in its driver ends with the process at the latest."""
        if self._thread.ident is not None:
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        pause, told = _FIRST_PAUSE, ""
        while not self._stopped.is_set():
            began = time.monotonic()
            error = self._runner.guard(self._target, lambda: self._work(self._stopped))
            if self._stopped.is_set():
                return
            error = error or InternalError(f"{self._target.name}: listening ended by itself")
            if time.monotonic() - began > _LONGEST_PAUSE:
                pause, told = _FIRST_PAUSE, ""
            if error.reason != told:
                _log.warning("%s: changes are found by the clock alone for now (%s): %s", self._target.name, error.reason, error)
                told = error.reason
            self._stopped.wait(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)


def wakers(runner: Runner, target: Target, wake: Callable[[], None]) -> list[Waker]:
    """Return what the target's source offers, not started yet; nothing where no collector would be woken."""
    source, options = target.source, target.options
    found: list[Waker] = []
    if not any(c.wakes for c in target.scheduled):
        return found
    if source.files is not None:
        hook = source.files

        def mode_is(mode: str) -> None:
            target.watch_modes.update(inotify=mode == "inotify", polling=mode == "polling")

        files = Files(lambda: hook(options), wake, mode_is)
        found.append(Waker(runner, target, files.run, files.stir))
    if source.listen is not None:
        listen = source.listen

        def work(stopped: threading.Event) -> None:
            runner.admit(target)
            target.watch_modes["listen"] = True
            try:
                listen(options, wake, stopped)
            finally:
                target.watch_modes["listen"] = False

        found.append(Waker(runner, target, work, lambda: None))
    return found
