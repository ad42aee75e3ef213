"""Reading unchanged files again, slowly: what was changed with its times set back shows by its digest alone."""

from __future__ import annotations

import json
import time

from tocsin.filewatch import content
from tocsin.filewatch.places import Hung, ask
from tocsin.filewatch.shelf import Shelf
from tocsin.filewatch.state import FILE, FileState
from tocsin.sources.files.round import Round
from tocsin.sources.files.view import Folder, join

_KEY = "rehash"
_AT_ONCE = 0.1
"""Seconds that one run spends with it at most."""
_CLOCK = 600.0
"""Seconds after which it is remembered how far it came."""


class Rehash:
    """Goes through all directories in order of their paths, once in `rehash_every`, and remembers how far it has come."""

    def __init__(self, round: Round) -> None:
        self._round = round
        self._view = round.view
        kept = round.run.recall(_KEY)
        known: tuple[float, str | None, str] = json.loads(kept) if kept else (time.time(), None, "")
        self._begun, self._path, self._name = known
        """When the tour began; the directory that is next, None when all were read; the name after which it goes on there."""
        self._moved = kept is None

    def go(self) -> None:
        if self._path is None and time.time() >= self._begun + self._view.options.rehash_every:
            self._begun, self._path, self._name, self._moved = time.time(), "", "", True
        if self._path is not None:
            self._tour(time.monotonic() + _AT_ONCE)
        if self._moved:
            position = json.dumps([self._begun, self._path, self._name]).encode()
            self._round.run.remember(_KEY, position)

    def _tour(self, limit: float) -> None:
        view = self._view
        rest = sorted(path for path in view.folders if path >= (self._path or ""))
        for path in rest:
            if path != self._path:
                self._path, self._name, self._moved = path, "", True
            differs = self._read(view.folders[path], limit)
            if differs:
                self._round.again(path, differs)
            if time.monotonic() >= limit or not view.pace.may_read():
                return
        self._path, self._moved = None, True

    def _read(self, folder: Folder, limit: float) -> frozenset[str]:
        """Return the names whose digests are others now, of those that could be read in time."""
        differs = set()
        states = Shelf(self._round.run, folder.path).states()
        for name in sorted(name for name, state in states.items() if name > self._name and state.digest and state.kind == FILE):
            if time.monotonic() >= limit or not self._view.pace.may_read():
                break
            self._name, self._moved = name, True
            if self._is_another(folder, name, states[name]):
                differs.add(name)
        else:
            self._name = chr(0x10FFFF)  # after all names
        return frozenset(differs)

    def _is_another(self, folder: Folder, name: str, state: FileState) -> bool:
        round, options = self._round, self._view.options
        path = join(folder.real, name)
        try:
            found = ask(
                round.places.of(folder.real),
                lambda: content.read(path, state, ours=round.ours, up_to=options.hash_up_to),
                options.patience + state.size / 2**20,
            )
        except Hung:
            return False
        self._view.pace.spend(state.size)
        return found.state.digest is not None and found.state.digest != state.digest
