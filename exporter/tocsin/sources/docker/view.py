"""What is known of an engine between runs, shared by the sessions and the listener of one target."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.container import Container
from tocsin.sources.docker.heard import Heard

_MOST_HEARD = 20_000
_TRUSTED, _TRUSTED_UNHEARD = 300.0, 30.0
"""How long an inspection is trusted, in seconds, while events would tell what moves, and while nobody listens."""


class Inspected(NamedTuple):
    container: Container
    listed: str
    """What the list said of it then; another word of the list means that it has moved."""
    at: float


class View:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inspected: dict[str, Inspected] = {}
        self._last: dict[str, Container] = {}
        """As each was last inspected, whatever has moved since."""
        self._moved: dict[str, int] = {}
        self._moves = 0
        self._heard: deque[Heard] = deque(maxlen=_MOST_HEARD)
        self.listening = False
        self.chosen: dict[str, tuple[str, ...]] = {}
        """The labels of each container that its series shall bear, by name."""
        self.unexplained: dict[str, float] = {}
        """What a look showed and no event has told yet, with the time since when; see lifecycle."""

    def known(self, id: str, listed: str) -> Container | None:
        """Return the last inspection if nothing has moved since."""
        with self._lock:
            found = self._inspected.get(id)
            trusted = _TRUSTED if self.listening else _TRUSTED_UNHEARD
            return found.container if found and found.listed == listed and time.monotonic() < found.at + trusted else None

    def current(self, id: str) -> Container | None:
        """Return the last inspection if events would have told of a move since and have told of none."""
        with self._lock:
            found = self._inspected.get(id)
            return found.container if found is not None and self.listening else None

    def last(self, id: str) -> Container | None:
        """Return the last inspection there was."""
        with self._lock:
            return self._last.get(id)

    def mark(self) -> int:
        """Return what `note` wants to know: how far events had been heard before the inspection was asked for."""
        with self._lock:
            return self._moves

    def note(self, container: Container, listed: str, mark: int) -> None:
        """Keep an inspection, unless an event about the container came while it was under way."""
        with self._lock:
            self._last[container.id] = container
            if self._moved.get(container.id, 0) <= mark:
                self._inspected[container.id] = Inspected(container, listed, time.monotonic())

    def keep(self, ids: Iterable[str]) -> None:
        """Forget what is no longer there."""
        with self._lock:
            ids = set(ids)
            self._inspected = {id: known for id, known in self._inspected.items() if id in ids}
            self._last = {id: known for id, known in self._last.items() if id in ids}
            self._moved = {id: move for id, move in self._moved.items() if id in ids}

    def forget(self, id: str) -> None:
        with self._lock:
            self._inspected.pop(id, None)

    def begin_listening(self) -> None:
        """From here on events tell what moves; of what was known before they told nothing."""
        with self._lock:
            self.listening = True
            self._inspected.clear()

    def hear(self, heard: Heard) -> None:
        with self._lock:
            self._heard.append(heard)
            self._moves += 1
            self._moved[heard.id] = self._moves
            self._inspected.pop(heard.id, None)

    def heard(self, since: int) -> list[Heard]:
        """Return the events from that time on (Unix nanoseconds), and let go of those before it: they are in the journal."""
        with self._lock:
            self._heard = deque((h for h in self._heard if h.time >= since), _MOST_HEARD)
            return list(self._heard)


_VIEWS: dict[tuple[str, str], View] = {}
_LOCK = threading.Lock()


def view_of(options: DockerOptions) -> View:
    """Return the one view of a target, whoever asks."""
    with _LOCK:
        return _VIEWS.setdefault((options.name, options.address), View())
