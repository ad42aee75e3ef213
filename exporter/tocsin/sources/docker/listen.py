"""Hearing the engine's events as they happen, in a thread of the target's own."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tocsin.errors import ConnectError, DeadlineError
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.engine import Engine
from tocsin.sources.docker.heard import HEARD_ACTIONS, OVERLAP, heard_of, lines_of
from tocsin.sources.docker.lifecycle import SETTLED
from tocsin.sources.docker.view import View, view_of

_REACH_SECONDS = 5.0
_QUIET_SECONDS = 60.0
"""A line that says nothing for so long may be dead without telling; it is taken up anew where it ended."""
_LOOK_SECONDS = 0.3


def listen(options: DockerOptions, wake: Callable[[], None], stopped: threading.Event) -> None:
    """Keep what the engine tells, and wake for each of it, until stopped. Raises CollectError when the line breaks."""
    view, engine = view_of(options), Engine(options)
    since = 1  # the engine replays what it still remembers; what the journal has already is known by its time
    try:
        engine.negotiate(time.monotonic() + _REACH_SECONDS)
        while not stopped.is_set():
            with suppress(DeadlineError):
                since = _hear(engine, view, since, wake, stopped)
                if not stopped.is_set():
                    raise ConnectError(f"{options.name}: the engine at {options.address} ended its stream of events", lost=True)
            if view.heard(0):
                since = max(since, view.heard(0)[-1].time - OVERLAP)
    finally:
        view.listening = False
        engine.close()
        if not stopped.is_set():
            wake()  # whoever relies on what the engine said of its containers: that may be no more


def _hear(engine: Engine, view: View, since: int, wake: Callable[[], None], stopped: threading.Event) -> int:
    filters = {"type": ["container"], "event": list(HEARD_ACTIONS)}
    begin = f"{since // 10**9}.{since % 10**9:09d}"
    with engine.stream("/events", _QUIET_SECONDS, since=begin, filters=filters) as response, _watched(response, view, wake, stopped):
        view.begin_listening()
        wake()
        for line in lines_of(response):
            heard = heard_of(line)
            if heard is not None:
                view.hear(heard)
                since = max(since, heard.time - OVERLAP)
                wake()
    return since


@contextmanager
def _watched(response: Any, view: View, wake: Callable[[], None], stopped: threading.Event) -> Iterator[None]:
    """Break the line when stopped: whoever reads from it hears nothing else. Wake when a look has waited for its event in vain."""
    over = threading.Event()
    line = socket.socket(fileno=os.dup(response.raw.fileno()))

    def watch() -> None:
        while not (stopped.wait(_LOOK_SECONDS) or over.is_set()):
            if any(time.time() > since + SETTLED for since in list(view.unexplained.values())):
                wake()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()

    threading.Thread(target=watch, name="tocsin-docker-line", daemon=True).start()
    try:
        yield
    finally:
        over.set()
