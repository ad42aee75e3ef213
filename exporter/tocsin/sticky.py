"""Which of many have series of their own, and the sum of what all others add: a few series that stay, and nothing lost."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

Key = tuple[str, ...]


class Sticky:
    """Which keys are followed, and what all others added, from one scrape to the next.

    `rest` is None until there is somebody whom it could count, and holds one counter for each number of a row. It begins
    at zero when this object does and not with what the others had counted before: a counter that restarts at another sum
    would look like a rush to whoever takes its rate.
    """

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.followed: set[Key] = set()
        self.rest: array[float] | None = None
        self._before: dict[Key, array[float]] | None = None

    def take(self, rows: Iterable[tuple[Key, Sequence[float]]]) -> None:
        """Take in all rows, the heaviest first; the first number of a row must be one that only a reset lets fall.

        The heaviest half of the places goes by weight. The other half stays with those who have a series
        already: one that comes and goes with its rank could not be followed. The rest is summed by what
        each row added, so that the sum never falls when a row gets a series of its own.
        """
        now = {key: array("d", numbers) for key, numbers in rows}
        half = set(list(now)[: self.kept // 2])
        self.followed = set(sorted(now, key=lambda key: (key not in half, key not in self.followed))[: self.kept])
        before, self._before = self._before, now
        if self.rest is None and now:
            self.rest = array("d", [0.0] * len(next(iter(now.values()))))
        if before is None or self.rest is None:
            return
        for key, numbers in now.items():
            if key in self.followed:
                continue
            then = before.get(key)
            if then is None or then[0] > numbers[0]:  # new, or counted from nothing again
                then = array("d", [0.0] * len(numbers))
            for i, (number, earlier) in enumerate(zip(numbers, then, strict=True)):
                self.rest[i] += max(0.0, number - earlier)
