"""The first words with a database server, without a login: whether it answers, what it says of itself, and its certificate.

Nothing is verified while the certificate is fetched, for a wrong one is what people want to hear of; `judge` tells afterwards.
The connection is ended so that the server neither counts it as an error nor, where it can be helped, writes a line to its log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tocsin.handshake import mysql, postgres
from tocsin.handshake.greeting import Greeting, State, Tls
from tocsin.handshake.peer import Peer

__all__ = ["MEET_SECONDS", "Address", "Greeting", "State", "Tls", "meet"]

MEET_SECONDS = 8.0
"""What a meeting may take where no scrape waits for it. One that we cut off counts at MySQL as an error of our host, and a server that
looks up the names of those who come may be silent for seconds before it greets; after ten it gives up itself (connect_timeout)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server is. `host` may be the path of a Unix socket; `server_name` is what it is called when TLS begins."""

    host: str
    port: int
    server_name: str = ""
    user: str = mysql.USER
    """Who asks to be let in where the login must be brought to its end: MySQL and MariaDB."""


def meet(target: str, address: Address, protocol: str, deadline: float) -> Greeting:
    """Connect to a server, hear what it says before a login, and leave, all by the deadline (monotonic seconds).

    Raises CollectError that names the target: ConnectError when nobody answers or the connection breaks, DeadlineError when no
    answer comes in time, PrivilegeError for a socket that we may not use, SetupError for a server of another kind.
    """
    with Peer(target, address.host, address.port, deadline, address.server_name or address.host) as peer:
        found = mysql.speak(peer, address.user) if protocol == "mysql" else postgres.speak(peer)
        return replace(found, seconds=dict(peer.seconds))
