"""What is remembered of one directory's names: small ones in one piece, large ones in many, so that one change rewrites little."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from tocsin.filewatch.state import FileState, dump, load
from tocsin.filewatch.tell import key_of
from tocsin.source import Run

_PIECE = 500
_MARK = b"pieces "


class Shelf:
    """One directory's remembered states, read and written through a run."""

    def __init__(self, run: Run, directory: str) -> None:
        self._run = run
        self._key = key_of("dir", directory)
        kept = _recall(run, self._key)
        self.existed = kept is not None
        self._count = int(kept.removeprefix(_MARK)) if kept is not None and kept.startswith(_MARK) else 1
        self._pieces: dict[int, dict[str, FileState]] = {}
        if self._count == 1:
            self._pieces[0] = _states(kept)
        self._touched: set[int] = set()
        self._whole = self._count == 1

    def states(self) -> dict[str, FileState]:
        """Return all states by name."""
        found: dict[str, FileState] = {}
        for number in range(self._count):
            found |= self._piece(number)
        self._whole = True
        return found

    def some(self, names: Iterable[str]) -> dict[str, FileState]:
        """Return the states of those names that are remembered."""
        found = {name: self._piece(self._number(name)).get(name) for name in names}
        return {name: state for name, state in found.items() if state is not None}

    def put(self, name: str, state: FileState | None) -> None:
        """Remember a name's state, None forgets it."""
        number = self._number(name)
        piece = self._piece(number)
        if state is None:
            piece.pop(name, None)
        else:
            piece[name] = state
        self._touched.add(number)

    def save(self) -> None:
        """Write what was put, and cut the directory into more or fewer pieces where it has outgrown them."""
        if self._whole:
            size = sum(map(len, self._pieces.values()))
            wanted = 1
            while size / wanted > _PIECE:
                wanted *= 2
            if wanted > self._count or wanted * 4 < self._count:
                self._cut(wanted)
        if self._count == 1:
            if self._touched or not self.existed:
                self._run.remember(self._key, dump(self._pieces[0]))
        else:
            self._run.remember(self._key, _MARK + str(self._count).encode())
            for number in self._touched:
                self._run.remember(f"{self._key}:{number}", dump(self._pieces[number]))
        self._touched.clear()
        self.existed = True

    def forget(self) -> None:
        self._run.remember(self._key, None)
        for number in range(self._count if self._count > 1 else 0):
            self._run.remember(f"{self._key}:{number}", None)

    def _cut(self, count: int) -> None:
        everything = self.states()
        self.forget()
        self._count = count
        self._pieces = {number: {} for number in range(count)}
        for name, state in everything.items():
            self._pieces[self._number(name)][name] = state
        self._touched = set(self._pieces)

    def _number(self, name: str) -> int:
        return zlib.crc32(name.encode("utf-8", "surrogateescape")) % self._count

    def _piece(self, number: int) -> dict[str, FileState]:
        if number not in self._pieces:
            self._pieces[number] = _states(_recall(self._run, f"{self._key}:{number}"))
        return self._pieces[number]


def _states(data: bytes | None) -> dict[str, FileState]:
    try:
        return load(data)
    except ValueError:  # of another version of ours
        return {}


def _recall(run: Run, key: str) -> bytes | None:
    """Return what this run has already set out to remember, else what an earlier one did."""
    return run.remembered[key] if key in run.remembered else run.recall(key)
