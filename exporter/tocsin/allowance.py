"""How often something that costs time may be done for somebody who asks for it all the time."""

from __future__ import annotations

_SHARE = 0.05
"""Of one core: what may be spent in the long run."""
_SAVED = 5.0
"""Seconds that are saved up while nobody asks: for a dozen looks at an ordinary schema, two or three at one of 10,000 tables."""


class Allowance:
    """Seconds of work that may be done. They come in slowly, and are saved up to a bound.

    So changes that come one by one, as a person or a migration makes them, are seen at once, and an application
    that never rests does not cost a core. All moments are monotonic seconds.
    """

    def __init__(self) -> None:
        self._left = _SAVED
        self._since = 0.0

    def ready_at(self) -> float:
        """Return from when on something may be done. It may take more than there is, for which the next has to wait the longer."""
        return self._since + max(0.0, -self._left / _SHARE)

    def spend(self, seconds: float, now: float) -> None:
        self._left = min(_SAVED, self._left + (now - self._since) * _SHARE) - seconds
        self._since = now
