"""What a server tells of itself before anybody logs in, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """How a server takes to somebody who connects."""

    ANSWERING = "answering"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    HOST_BLOCKED = "host_blocked"
    HOST_NOT_ALLOWED = "host_not_allowed"
    SHUTTING_DOWN = "shutting_down"
    REFUSING = "refusing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """An encrypted connection: its protocol, and the certificates that the server sent, its own first, in DER."""

    version: str
    cipher: str
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """A server's first words."""

    state: State
    offers_tls: bool | None = None
    """None where it refused before that could be seen."""
    tls: Tls | None = None
    product: str = ""
    version: str = ""
    """As the server writes it; PostgreSQL tells none before a login."""
    auth_plugin: str = ""
    """How it lets people log in unless their account says otherwise; MySQL and MariaDB only."""
    said: str = ""
    """Why it refuses, in its own words."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each step took, by its name."""
