"""Which events are asked for: values of their fields, and a span of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events: those with any of these values in each field, or whatever they have where there are none.

    Times are Unix seconds: not before `since`, before `until`.
    """

    target: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    database: tuple[str, ...] = ()
    object_kind: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    security: bool | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> tuple[str, list[object]]:
        """Return the condition in SQL, and its parameters."""
        words, values = ["TRUE"], list[object]()
        for name in ("target", "kind", "database", "object_kind", "change", "risk"):
            wanted = getattr(self, name)
            if wanted:
                words.append(f"{name} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        for condition, value in (("security = ?", self.security), ("time >= ?", self.since), ("time < ?", self.until)):
            if value is not None:
                words.append(condition)
                values.append(value)
        return " AND ".join(words), values


EVERYTHING = Filter()
