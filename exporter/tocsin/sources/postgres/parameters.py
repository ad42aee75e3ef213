"""How a PostgreSQL server is reached: what libpq is told, where hosts are, and what every session of ours is held to."""

from __future__ import annotations

import socket
import time

from tocsin.errors import ConnectError, SetupError
from tocsin.sources.postgres.config import PostgresOptions

# What differs between two sessions would differ in what the catalog says, so each session is pinned to the same.
_SETTINGS = (
    "-c client_min_messages=error -c DateStyle=ISO -c IntervalStyle=postgres "
    "-c TimeZone=UTC -c extra_float_digits=1 -c bytea_output=hex -c quote_all_identifiers=off -c search_path="
)

# An end that has gone without a word is noticed by both sides within a minute: by us through libpq's parameters (seconds;
# the last in milliseconds), by the server through its own of the session, or a dead connection would hold its place for hours.
_KEEPALIVE = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 40_000}

_KNOWS_REQUIRE_AUTH = 160000
"""Of libpq, which psycopg[binary] brings; a system's own may be older."""


def merged(options: PostgresOptions, database: str | None) -> dict[str, str]:
    """Merge the DSN with what every session of ours has. Raises SetupError without quoting the DSN."""
    from psycopg import ProgrammingError, conninfo, pq

    dsn = options.connection_string().reveal()
    try:
        given = {k: str(v) for k, v in conninfo.conninfo_to_dict(dsn).items()}
    except ProgrammingError:
        if "require_auth" in dsn and pq.version() < _KNOWS_REQUIRE_AUTH:
            raise SetupError(
                f"target {options.name}: this libpq cannot refuse a server that asks for the password in clear; "
                "install psycopg[binary], or another psycopg with libpq 16 or newer"
            ) from None
        raise SetupError(f"target {options.name}: dsn is not a connection string that libpq understands") from None
    password = options.password()
    if password is not None:
        given["password"] = password.reveal()
    given["application_name"] = "tocsin"
    given.setdefault("gssencmode", "disable")
    for word, value in _KEEPALIVE.items():
        given.setdefault(word, str(value))
    given["options"] = f"{given.get('options', '')} {_SETTINGS}".strip()
    if database is not None:
        given["dbname"] = database
    return given


def with_addresses(target: str, parameters: dict[str, str]) -> dict[str, str]:
    """Look up the names of hosts here: libpq would do it with the whole process waiting, however long the name server takes.

    A host with several addresses becomes as many hosts, which libpq tries in turn. Raises ConnectError when no host has any.
    """
    hosts = parameters.get("host", "").split(",")
    if "hostaddr" in parameters or all(not host or host[0] in "/@" for host in hosts):
        return parameters
    ports = parameters.get("port", "").split(",")
    found: list[tuple[str, str, str]] = []
    refused = ""
    for number, host in enumerate(hosts):
        port = ports[number] if number < len(ports) else ports[0]
        try:
            answers = [] if not host or host[0] in "/@" else socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # the latter for what is too long to be a name
            why = getattr(error, "strerror", None) or "it is not a host name"
            refused = f"could not translate host name {host[:253]!r} to address: {why}"
            continue
        found += [(host, address, port) for address in [str(answer[4][0]) for answer in answers] or [""]]
    if not found:
        raise ConnectError(f"{target}: cannot connect: {refused}; are host and port right?", lost=True)
    names, addresses, numbers = (",".join(column) for column in zip(*found, strict=True))
    return parameters | {"host": names, "hostaddr": addresses, "port": numbers}


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def limits(deadline: float, *, fresh: bool = False) -> str:
    """Return the statement that limits those after it: they only read, each for half of what is left, a tenth (at most 1 s) for a lock.

    Half, so that one slow statement cannot spend the whole scrape. On a fresh connection the server is also told to
    let go of us when we fall silent. Set in the session and not when it begins, so that pg_settings still tells the
    server's own values, as those that RESET would bring back.
    """
    left = max(0.1, deadline - time.monotonic())
    statement = int(left * 500)
    lock = min(1000, int(left * 100))
    values = {"default_transaction_read_only": "on", "statement_timeout": statement, "lock_timeout": lock}
    if fresh:
        values["jit"] = "off"  # with thousands of tables the planner would compile our statements, which takes longer than they do
        values |= {word if word.startswith("tcp_") else f"tcp_{word}": value for word, value in _KEEPALIVE.items()}
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in values.items())
