"""The certificate of the server, which libpq does not show: the server is met once more, without a login."""

from __future__ import annotations

import time
from pathlib import Path

from tocsin.errors import CollectError, Unsupported
from tocsin.handshake import MEET_SECONDS, Address, meet
from tocsin.handshake.series import emit_certificate
from tocsin.source import Run
from tocsin.sources.postgres.session import PostgresSession


def collect_certificate(session: PostgresSession, run: Run) -> None:
    """Tell of the certificate of the server that answered, of several the one in use. Raises Unsupported where there is none."""
    assert session.default is not None
    connection, name = session.default, session.options.name
    host, address, port = connection.place
    if not host or host[0] in "/@":
        raise Unsupported(f"{name}: no TLS on a Unix socket")
    try:
        place = Address(host=address or host, port=port, server_name=host)
        greeting = meet(name, place, "postgres", time.monotonic() + MEET_SECONDS)
    except CollectError as error:
        error.lost = False  # not the session, which another connection serves
        raise
    if greeting.tls is None:
        raise Unsupported(f"{name}: the server offers no TLS")
    authorities = connection.authorities
    emit_certificate(run, name, greeting.tls, host, Path(authorities) if authorities else None)
