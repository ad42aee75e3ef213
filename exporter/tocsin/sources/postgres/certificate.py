"""The certificate of the server, which libpq does not show: the server is met once more, without a login."""

from __future__ import annotations

from pathlib import Path

from tocsin.errors import CollectError, Unsupported
from tocsin.handshake import Address, meet
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
        greeting = meet(name, Address(host=address or host, port=port, server_name=host), "postgres", run.deadline)
    except CollectError as error:
        error.lost = False  # not the session, which another connection serves
        raise
    if greeting.tls is None:
        raise Unsupported(f"{name}: the server offers no TLS")
    authorities = connection.authorities
    emit_certificate(run, name, greeting.tls, host, Path(authorities) if authorities else None)
