"""The series of an endpoint: what a server says before a login, under names of ours."""

from __future__ import annotations

from tocsin.handshake import State
from tocsin.handshake.series import CERTIFICATE_REMAINING
from tocsin.metric import gauge, info

UP = gauge(
    "tocsin_endpoint_up", "Whether the server answered as its protocol wants it when it was last met, even if it lets nobody in now."
)
STATE = gauge(
    "tocsin_endpoint_state",
    "1 for how the server takes to somebody who connects, 0 for the others; all but `answering` are refusals, and PostgreSQL tells "
    "of most of them only at a login.",
    ("state",),
)
STATES = tuple(State)
SECONDS = gauge(
    "tocsin_endpoint_handshake_seconds",
    "How long each step took: `resolve` the name, `connect`, `greeting` of the server, `tls`, and `login`, which is refused.",
    ("phase",),
)
TLS_OFFERED = gauge("tocsin_endpoint_tls_offered", "Whether the server offers TLS.")
SERVER = info(
    "tocsin_endpoint_server_info",
    "What the server says of itself before a login; PostgreSQL tells neither version nor plugin.",
    ("protocol", "product", "version", "auth_plugin"),
)

THRESHOLDS = (CERTIFICATE_REMAINING,)
