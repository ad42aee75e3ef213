"""The latest samples of each run: all of a run, what a failed one keeps, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Collection

from tocsin.exposition import Families


class Store:
    """Rendered samples by target and collector. Safe for use by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, dict[str, Families]] = {}

    def put(self, target: str, collector: str, families: Families) -> None:
        with self._lock:
            self._runs.setdefault(target, {})[collector] = families

    def drop(self, target: str, collector: str) -> None:
        with self._lock:
            self._runs.get(target, {}).pop(collector, None)

    def drop_target(self, target: str) -> None:
        with self._lock:
            self._runs.pop(target, None)

    def of(self, target: str, collectors: Collection[str] = ()) -> list[Families]:
        """Return what the target's collectors last said; with `collectors` those alone."""
        with self._lock:
            return [said for name, said in self._runs.get(target, {}).items() if not collectors or name in collectors]
