"""What an endpoint's greeting becomes."""

from __future__ import annotations

from tocsin.errors import Unsupported
from tocsin.handshake.series import emit_certificate
from tocsin.source import Run
from tocsin.sources.endpoint import metrics as m
from tocsin.sources.endpoint.session import EndpointSession


def collect_reach(session: EndpointSession, run: Run) -> None:
    """Tell how the server answered."""
    greeting = session.greeting
    assert greeting is not None
    for state in m.STATES:
        run.emit(m.STATE, int(state == greeting.state), (state,))
    for phase, seconds in greeting.seconds.items():
        run.emit(m.SECONDS, seconds, (phase,))
    if greeting.offers_tls is not None:
        run.emit(m.TLS_OFFERED, int(greeting.offers_tls))
    if greeting.product:
        run.emit(m.SERVER, 1, (session.options.protocol, greeting.product, greeting.version, greeting.auth_plugin))


def collect_certificate(session: EndpointSession, run: Run) -> None:
    """Tell of the server's certificate. Raises Unsupported where it shows none."""
    options, greeting = session.options, session.greeting
    assert greeting is not None
    if greeting.tls is None:
        raise Unsupported(f"{options.name}: the server offers no TLS")
    host, port = options.place
    emit_certificate(run, options.name, greeting.tls, options.server_name or (host if port else ""), options.ca_file)
