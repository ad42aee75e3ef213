"""Database servers that are known by their address alone: whether they answer, and with which certificate."""

from __future__ import annotations

from tocsin.handshake.series import CERTIFICATE_EVERY, CERTIFICATE_METRICS
from tocsin.source import Collector, Module, Source
from tocsin.sources.endpoint import metrics as m
from tocsin.sources.endpoint.config import EndpointOptions

_collect = Module("tocsin.sources.endpoint.collect")
_session = Module("tocsin.sources.endpoint.session")

SOURCE = Source(
    kind="endpoint",
    help="PostgreSQL, MySQL and MariaDB servers by their address alone, without a login",
    options=EndpointOptions,
    open=_session.EndpointSession,
    up=m.UP,
    collectors=(
        Collector(
            "reach",
            "whether the server answers and how soon, and what it says of itself before a login",
            (m.STATE, m.SECONDS, m.TLS_OFFERED, m.SERVER),
            _collect.collect_reach,
            # On a clock of its own: a scrape neither waits for a server that is silent nor cuts a meeting off, which MySQL would count.
            every=15.0,
            timeout=15.0,
        ),
        Collector(
            "certificate",
            "the certificate that the server shows: whose, until when, and whether it is to be trusted",
            CERTIFICATE_METRICS,
            _collect.collect_certificate,
            every=CERTIFICATE_EVERY,
            timeout=15.0,
        ),
    ),
    thresholds=m.THRESHOLDS,
)
