"""What is not told yet because it may not be over: a file that is being written, or renamed into the place of another."""

from __future__ import annotations

import time

from tocsin.filewatch.compare import Difference, FileChange
from tocsin.filewatch.state import DIRECTORY, FileState
from tocsin.sources.files.view import View

QUIET = 0.3
"""Seconds that something must have stood as it is."""
_LONGEST, _ROTATION, _UNREAD = 2.0, 10.0, 30.0
"""Seconds after which it is told anyway: of a file that is written all the time, of a copy that was no part of a rotation, and of one that
could not be read."""


class Settling:
    """Holds differences back: what is held is seen again by the next look, as it is then."""

    def __init__(self, view: View) -> None:
        self._since = view.unsettled
        self.soon = False
        """Whether something is held back that is over, or told anyway, within seconds."""
        self._now = time.monotonic()
        self._wall = time.time_ns()

    def hold(
        self,
        directory: str,
        found: list[Difference],
        old: dict[str, FileState],
        new: dict[str, FileState],
        waiting: set[str],
        rotates: bool,
    ) -> list[Difference]:
        """Return the differences that can be told, and take back in `new` what is not."""
        self._now, self._wall = time.monotonic(), time.time_ns()
        told, held, soon = [], set[str](), False
        for d in found:
            name = _name(d)
            limit = self._limit(d, not waiting.isdisjoint(names_of(d)))
            since = self._since.setdefault((directory, name), self._now) if limit else 0.0
            if limit and self._now < since + limit:
                held |= names_of(d)
                soon = soon or limit <= _LONGEST
            else:
                told.append(d)
        if rotates and soon:  # its parts are told together
            late = {d.path for d in told if self._since.setdefault((directory, _name(d)), self._now) + _LONGEST > self._now}
            held |= {name for d in told if d.path in late for name in names_of(d)}
            told = [d for d in told if d.path not in late]
        self.soon = self.soon or soon
        held |= {name for name in waiting if name in old and not any(name in names_of(d) for d in told)}
        for name in held:
            if name in old:
                new[name] = old[name]
            else:
                new.pop(name, None)
            if name in waiting:
                self._since.setdefault((directory, name), self._now)
        for key in [key for key in self._since if key[0] == directory and key[1] not in held]:
            del self._since[key]
        return told

    def held(self, directory: str) -> set[str]:
        """Return the names in a directory of which something is held back."""
        return {key[1] for key in self._since if key[0] == directory}

    def _limit(self, d: Difference, waiting: bool) -> float:
        """Return for how long a difference is to be held back at most, 0 where it can be told."""
        if waiting:
            return _UNREAD
        if d.unsettled:
            return _ROTATION
        if d.new is None or (d.old is not None and d.old.leads_to_file and not d.new.leads_to_file):
            return QUIET
        if d.change is FileChange.RENAMED:
            return 0.0
        if d.new.kind == DIRECTORY and d.change is FileChange.ADDED:
            return 0.0
        moved = max(d.new.mtime_ns, d.new.ctime_ns)
        return _LONGEST if abs(self._wall - moved) < QUIET * 1e9 else 0.0


def names_of(d: Difference) -> set[str]:
    """Return the names in its directory that a difference is about."""
    return {_name(d), *d.others}


def _name(d: Difference) -> str:
    return d.path.rpartition("/")[2]
