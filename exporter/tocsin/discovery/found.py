"""What was come across, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["container", "process", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A database: what it is, where it answers, and what told so."""

    engine: str
    """The kind of source that watches such a one: postgres, mysql, sqlite, duckdb."""
    name: str
    """What people call it: the container's name, the program with its port, the file's name. Not unique."""
    addresses: tuple[str, ...]
    """Where it can be reached from here, the best first: `host:port`, or the path of a socket or a file."""
    origin: Origin
    place: str
    """The container's name, `pid 123`, or the path."""
    key: str
    """What stays the same while it is the same database: a container's id, a listening address, a path."""
    is_lent: bool = False
    """Whether the engine lends it its first address, which may be another container's as soon as this one does not run with it."""
    runs: tuple[tuple[str, int], ...] = ()
    """The containers by which it has its addresses, its own first, each by its id and the time of its start (Unix nanoseconds)."""
    image: str = ""
    evidence: tuple[str, ...] = ()
    """What told that it is one, in words for a person, the strongest first."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Labels `tocsin.*` that its owner put on the container, without the prefix."""
