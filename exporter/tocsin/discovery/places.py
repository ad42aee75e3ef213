"""Whether two addresses are the same place: names and their addresses, this machine by all that it is called, links to files."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

_LOOK_UP_SECONDS = 2.0
_KEPT_SECONDS = 60.0
_MOST_AT_ONCE = 16
_THIS_MACHINE = "this machine"
"""What stands for every address of ours, of which a server usually listens at all."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an address leads: exactly, and as it is when every address of this machine is taken for the same."""

    exact: frozenset[str]
    loose: frozenset[str]


def spot(places: Iterable[str]) -> Spot:
    """Return where plain addresses lead, without asking anybody."""
    exact = {_plain(place) for place in places if place}
    return Spot(frozenset(exact), frozenset(map(_loose, exact)))


def split(place: str) -> tuple[str, str]:
    """Return host and port of an address; the host of a path is the path, without a port.

    >>> split("[::1]:5432"), split("db.example:5432"), split("/run/mysqld/mysqld.sock")
    (('::1', '5432'), ('db.example', '5432'), ('/run/mysqld/mysqld.sock', ''))
    """
    if place.startswith(("/", "@")):
        return place, ""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), port


def _plain(place: str) -> str:
    host, port = split(place)
    if not port:
        return os.path.normpath(host) if host.startswith("/") else place
    host = "127.0.0.1" if host.lower() in ("localhost", "") else host.lower().rstrip(".")
    with suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    return f"{host}:{port}"


def _loose(place: str) -> str:
    host, colon, port = place.rpartition(":")
    return f"{_THIS_MACHINE}:{port}" if colon and not place.startswith("/") and _is_ours(host) else place


def _is_ours(host: str) -> bool:
    """Tell whether it is an address of this machine; of the loopback's the one that is meant when somebody says localhost."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback:
        return host in ("127.0.0.1", "::1")
    try:
        with socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


@dataclass(slots=True)
class _Answer:
    leads_to: frozenset[str] = frozenset()
    at: float = 0.0
    asking: bool = False


@dataclass(slots=True)
class Resolver:
    """Names and links, looked up beside the caller, who waits a moment for them; what is late or fails stays as it last was."""

    _answers: dict[str, _Answer] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def spot(self, places: Iterable[str]) -> Spot:
        """Return where addresses lead as far as it is known."""
        plain = {_plain(place) for place in places if place}
        with self._changed:
            more = {one for place in plain if place in self._answers for one in self._answers[place].leads_to}
        return spot(plain | more)

    def look_up(self, places: Iterable[str], seconds: float = _LOOK_UP_SECONDS, *, forgets: bool = True) -> None:
        """Ask for what is not known or was asked for a while ago, and wait for the answers, but not longer than that.

        With `forgets` these are all that is of interest from now on.
        """
        wanted = {plain for place in places if place for plain in [_plain(place)] if _needs_asking(plain)}
        limit = time.monotonic() + seconds
        with self._changed:
            if forgets:
                self._answers = {place: known for place, known in self._answers.items() if place in wanted or known.asking}
            mine = {place: self._answers.setdefault(place, _Answer()) for place in sorted(wanted)}
            old = time.monotonic() - _KEPT_SECONDS
            todo = [place for place, known in mine.items() if not known.asking and (not known.at or known.at <= old)]
            while todo or any(known.asking for known in mine.values()):
                busy = sum(known.asking for known in self._answers.values())
                for place in todo[: max(0, _MOST_AT_ONCE - busy)]:
                    todo.remove(place)
                    self._start(place, mine[place])
                if not self._changed.wait(max(0.0, limit - time.monotonic())):
                    return

    def _start(self, place: str, known: _Answer) -> None:
        known.asking = True
        try:
            threading.Thread(target=self._ask, args=(place, known), name="tocsin-look-up", daemon=True).start()
        except RuntimeError:  # no thread to be had now; the next look asks again
            known.asking = False

    def _ask(self, place: str, known: _Answer) -> None:
        leads_to: frozenset[str] = frozenset()
        try:
            leads_to = _leads_to(place)
        except (OSError, UnicodeError):
            pass
        finally:
            with self._changed:
                known.leads_to = leads_to or known.leads_to
                known.at, known.asking = time.monotonic(), False
                self._changed.notify_all()


def _needs_asking(place: str) -> bool:
    host, port = split(place)
    if not port:
        return host.startswith("/")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _leads_to(place: str) -> frozenset[str]:
    """Look a place up. Raises OSError and UnicodeError; may take as long as the name server or the file system does."""
    host, port = split(place)
    if not port:
        return frozenset({os.path.realpath(host)})
    return frozenset(f"{found[4][0]}:{port}" for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
