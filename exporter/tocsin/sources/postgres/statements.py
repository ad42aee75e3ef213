"""Which statements have series of their own, and the sum of all others."""

from __future__ import annotations

KEPT = 100
"""Statements that have series of their own; the rest is summed under queryid `other`."""

_Key = tuple[str, ...]
_Row = tuple[_Key, list[float]]


class Statements:
    """Which statements are followed, and the sum of all others, from one scrape to the next."""

    def __init__(self) -> None:
        self.followed: set[_Key] = set()
        self.rest: list[float] = []
        self._before: dict[_Key, list[float]] = {}

    def take(self, rows: list[_Row]) -> None:
        """Take in all statements, the heaviest first.

        The heaviest half of the places goes by weight. The other half stays with those who have a series
        already: one that comes and goes with its rank could not be followed. The rest is summed by what
        each statement added, so that the sum never falls when a statement gets a series of its own.
        """
        half = {key for key, _ in rows[: KEPT // 2]}
        ranked = sorted((key for key, _ in rows), key=lambda key: (key not in half, key not in self.followed))
        self.followed = set(ranked[:KEPT])
        for key, numbers in rows:
            self.rest = self.rest or [0.0] * len(numbers)
            if key not in self.followed:
                before = self._before.get(key)
                if before is None or before[0] > numbers[0]:
                    before = [0.0] * len(numbers)
                self.rest = [total + now - then for total, now, then in zip(self.rest, numbers, before, strict=True)]
        self._before = dict(rows)
