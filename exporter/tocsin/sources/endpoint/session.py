"""Meeting an endpoint: anew at every run, since it is the meeting that is watched."""

from __future__ import annotations

import time

from tocsin.handshake import MEET_SECONDS, Address, Greeting, meet
from tocsin.source import Run
from tocsin.sources.endpoint.config import EndpointOptions


class EndpointSession:
    """Holds nothing open between runs."""

    def __init__(self, options: EndpointOptions) -> None:
        self.options = options
        self.greeting: Greeting | None = None

    def begin(self, runs: list[Run]) -> None:  # noqa: ARG002 -- as every session has it
        """Meet the server, which has a time of its own whatever the runs have; raises CollectError when nobody answers."""
        host, port = self.options.place
        address = Address(host=host, port=port, server_name=self.options.server_name, user=self.options.user)
        self.greeting = meet(self.options.name, address, self.options.protocol, time.monotonic() + MEET_SECONDS)

    def close(self) -> None:
        """Nothing is open."""
