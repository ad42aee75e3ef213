"""Events as they happen, to clients that stay connected: Server-Sent Events.

The id of an event is the journal's, and what a client has not acknowledged by reading on it finds there when it
comes back with `Last-Event-ID`. Nothing is kept for a client: each reads the journal at its own pace, and the
disk is looked at only after something was written.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tocsin.errors import JournalError
from tocsin.event import Event
from tocsin.event_filter import Filter
from tocsin.events_api import line
from tocsin.journal import Journal

MOST_STREAMS = 16
"""Clients at a time. Each holds one of the server's connections; most of those are left to scrapes."""

_BEAT_SECONDS = 15.0
_WAIT_SECONDS = 1.0
_RETRY_MILLISECONDS = 2000
_BATCH = 200
_PIECE = 1 << 15
# What is on its way to a client that does not answer any more is given up after so long.
_UNANSWERED_MILLISECONDS = 20_000


class FullError(Exception):
    """As many clients follow the stream as may."""


class Streams:
    """All clients of the stream, each in its connection's own thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._connections)

    @contextmanager
    def place(self, connection: socket.socket) -> Iterator[None]:
        """Hold one of the places. Raises FullError."""
        with self._lock:
            if self._closed or len(self._connections) >= MOST_STREAMS:
                raise FullError(f"{MOST_STREAMS} clients follow the stream already; try again, or ask /api/v1/events now and then")
            self._connections.add(connection)
        try:
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MILLISECONDS)
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def close(self) -> None:
        """End all streams at once, also those whose client does not read."""
        with self._lock:
            self._closed = True
            for connection in self._connections:
                with suppress(OSError):
                    # Not the method of a TLS connection, which would let its thread go on in the clear.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._journal.wake()

    def follow(self, connection: socket.socket, write: Callable[[bytes], object], chosen: Filter, position: int) -> None:
        """Write the events after `position`, and those that come, until the client or we go away.

        Raises OSError when the client does not take what is written within its connection's timeout.
        """
        with suppress(JournalError):  # the client comes back
            self._follow(connection, write, chosen, position)

    def _follow(self, connection: socket.socket, write: Callable[[bytes], object], chosen: Filter, position: int) -> None:
        journal = self._journal
        seen = journal.wait(-1, 0)
        told = position
        # The id alone is no event, and lets a client that loses the connection before the first one miss nothing.
        write(f"retry: {_RETRY_MILLISECONDS}\nid: {position}\n\n".encode())
        beat = time.monotonic()
        while not self._closed:
            span = journal.span()
            if not span.oldest - 1 <= position <= span.newest:
                # Removed by retention; or the journal is another one, which began to count anew.
                write(_gap(position, span.oldest))
                position = told = span.oldest - 1
            events = journal.events(chosen, since_id=position, limit=_BATCH)
            for piece in _pieces(events):
                write(piece)
            if events:
                position = told = events[-1].id or 0
                beat = time.monotonic()
            if len(events) == _BATCH:
                continue
            position = max(position, span.newest)
            while not self._closed:
                before, seen = seen, journal.wait(seen, _WAIT_SECONDS)
                if _has_left(connection):
                    return
                if time.monotonic() - beat >= _BEAT_SECONDS:
                    write(b": still here\n" + (f"id: {position}\n\n".encode() if position > told else b"\n"))
                    beat, told = time.monotonic(), position
                if seen != before:
                    break


def _pieces(events: list[Event]) -> Iterator[bytes]:
    """Yield events as they are sent, many small ones together; each piece has the connection's timeout for itself."""
    piece = bytearray()
    for event in events:
        piece += f"id: {event.id}\nevent: {event.kind}\ndata: {line(event)}\n\n".encode()
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _gap(position: int, oldest: int) -> bytes:
    """Say that events are missing: those after `position` and before `oldest`."""
    data = json.dumps({"since_id": position, "oldest_id": oldest})
    return f"id: {oldest - 1}\nevent: gap\ndata: {data}\n\n".encode()


def _has_left(connection: socket.socket) -> bool:
    """Tell whether the client closed its end. It has nothing more to say after its request."""
    try:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0)) and not connection.recv(1)  # TLS says goodbye in a record of its own, so a look is not enough
    except (OSError, ValueError):
        return True
