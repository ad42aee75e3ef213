"""The certificate of the server, as it shows it to those who log in."""

from __future__ import annotations

from pathlib import Path

from tocsin.errors import Unsupported
from tocsin.handshake.series import emit_certificate
from tocsin.source import Run
from tocsin.sources.mysql.session import MysqlSession


def collect_certificate(session: MysqlSession, run: Run) -> None:
    """Tell of the server's certificate. Raises Unsupported where the connection is not encrypted.

    Logs in again, because a connection knows no other certificate than that of its beginning. A second connection without a login,
    as to PostgreSQL, would be one that MariaDB logs.
    """
    session.renew(run.deadline)
    assert session.connection is not None
    tls, server = session.connection.encryption(), session.connection.server
    if tls is None:
        raise Unsupported(f"{session.options.name}: the connection is not encrypted")
    emit_certificate(run, session.options.name, tls, server.host, Path(server.ssl["ca"]) if "ca" in server.ssl else None)
