"""The options of a PostgreSQL target."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, unquote

from tocsin.auth import LoadedModule, place, plain
from tocsin.errors import ProbeError, SetupError
from tocsin.options import DatabaseFilter, Secret, option, read_secret_file
from tocsin.sql import SqlOptions

GRANTS = """\
-- Statistics of everybody, settings, sizes and the log folder; no table's rows. As a superuser.
-- The limit leaves room for `tocsin check` beside a running exporter:
CREATE ROLE tocsin LOGIN PASSWORD 'choose one' CONNECTION LIMIT 25;
GRANT pg_monitor TO tocsin;
-- In each watched database, and in template1 for those to come. For bloat: widths of columns, none of their values.
GRANT SELECT (starelid, staattnum, stainherit, stanullfrac, stawidth) ON pg_catalog.pg_statistic TO tocsin;
-- And how far sequences have come, for each schema that has some:
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO tocsin;
-- ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO tocsin;
-- For stat_statements, in the database of the dsn (the library must be in shared_preload_libraries):
-- CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
-- A query of your own needs SELECT on what it reads:
-- GRANT SELECT ON public.orders TO tocsin;
"""


_WORDS = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)")
"""The words of a connection string that is no URL."""


def _words_of(text: str) -> dict[str, str]:
    r"""Return those words as libpq reads them, without quotes and escapes.

    >>> _words_of("host='/tmp/my dir' dbname = it\'s")
    {'host': '/tmp/my dir', 'dbname': "it's"}
    """
    found = ((key, value[1:-1] if value.startswith("'") else value) for key, value in _WORDS.findall(text))
    return {key: re.sub(r"\\(.)", r"\1", value) for key, value in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOptions(SqlOptions):
    version_parts: ClassVar[tuple[int, ...]] = (10000, 1)
    has_databases: ClassVar[bool] = True

    dsn: Secret = option(
        Secret(""),
        help="connection string, as a URL or as `keyword=value` words; libpq's, so every word of its manual works",
        example="postgresql://tocsin@db.example:5432/postgres",
    )
    dsn_file: Path | None = option(None, help="file that holds the connection string, in place of `dsn`")
    password_file: Path | None = option(None, help="file that holds the password; any character is allowed, none is escaped")
    databases: DatabaseFilter = option(DatabaseFilter(), help="databases whose schema is watched")
    max_connections: int = option(
        9,
        help="most connections to the server: a third each for live series, for schemas and for what is collected now and then; "
        "beyond that databases are taken in turn",
        check=lambda n: None if n >= 6 else "6 or more",
    )
    listen: int = option(
        5,
        help="most databases with the event triggers of `tocsin install postgres-trigger` that are listened to, by a connection each",
        check=lambda n: None if n >= 0 else "0 or more",
    )
    compat: str = option(
        "0.20",
        help="release of postgres_exporter whose names are served: `0.20`, or `0.19` with the label `server` and the older slot names",
        check=lambda v: None if v in ("0.19", "0.20") else "0.19 or 0.20, in quotes",
    )

    def connection_string(self) -> Secret:
        """Return the DSN, read from its file each time so that a changed file is seen.

        Raises SetupError when there is none, or when a password in it holds a bare `@` or `/`: libpq would then take
        the rest of the password for a host name and show it in its messages.
        """
        if self.dsn_file is not None:
            dsn = read_secret_file(self.dsn_file)
        elif self.dsn.reveal():
            dsn = self.dsn
        else:
            raise SetupError(f"target {self.name}: give dsn or dsn_file")
        if "://" in dsn.reveal() and _host_and_port(dsn.reveal()) is None:
            raise SetupError(
                f"target {self.name}: the dsn has more than one @, or a / before it; "
                "write %40 and %2F in the password, or use password_file"
            )
        return dsn

    def password(self) -> Secret | None:
        return read_secret_file(self.password_file) if self.password_file else None

    @property
    def address(self) -> str:
        """host:port, or the socket folder; empty when the DSN comes from a file."""
        text = self.dsn.reveal()
        if "://" in text:
            found = _host_and_port(text)
            return "" if found is None else unquote(found) or "local"
        words = _words_of(text)
        return ":".join(filter(None, (words.get("host", ""), words.get("port", ""))))

    def places(self) -> tuple[str, ...]:
        """Return every server that the DSN names, as libpq takes it apart: lists of hosts, sockets and their usual folders included."""
        text = self.connection_string().reveal()
        words = dict(parse_qsl(text.partition("?")[2])) if "://" in text else _words_of(text)
        pairs = _hosts_and_ports(unquote(_host_and_port(text) or "")) if "://" in text else []
        ports = words.get("port", "").split(",")
        hosts = [host for key in ("hostaddr", "host") if words.get(key) for host in words[key].split(",")]
        pairs += [(host, ports[i % len(ports)]) for i, host in enumerate(hosts)]
        return tuple(p for host, port in pairs or [("", ports[0])] for p in _places(host, port or "5432"))

    @property
    def database(self) -> str:
        """The database that the DSN names; empty when it names none."""
        text = self.dsn.reveal()
        if "://" not in text:
            return _words_of(text).get("dbname", "")
        place, _, words = text.partition("://")[2].rpartition("@")[2].partition("?")
        return unquote(place.partition("/")[2]) or dict(parse_qsl(words)).get("dbname", "")


def _host_and_port(url: str) -> str | None:
    """Return host and port as libpq finds them, None when an unescaped character of the password has gone astray."""
    rest = url.partition("://")[2]
    login, at, others = rest.partition("@")
    if at and "/" not in login:
        rest = others
    return None if re.match(r"[^=]*@", rest) else re.split(r"[/?]", rest, maxsplit=1)[0]


_SOCKET_FOLDERS = ("/var/run/postgresql", "/tmp")  # noqa: S108 -- libpq's own, as Debian and as PostgreSQL build it


def _hosts_and_ports(text: str) -> list[tuple[str, str]]:
    """Return the servers of a URL, `host:port,[::1]:port`; an empty host is that of the machine's socket."""
    found = []
    for part in text.split(",") if text else ():
        host, colon, port = part.rpartition(":")
        found.append((host, port) if colon and not port.endswith("]") else (part, ""))
    return found


def _places(host: str, port: str) -> list[str]:
    """Return where libpq would look for this server."""
    if not host or host.startswith(("/", "@")):
        return [f"{folder}/.s.PGSQL.{port}" for folder in ([host] if host else _SOCKET_FOLDERS)]
    return [f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"]


_IGNORED = {"application_name", "fallback_application_name", "connect_timeout"}
"""Words of an address that every session of ours sets by itself."""


def visit(module: LoadedModule, address: str) -> PostgresOptions:
    """Return the options of a server that /probe names: `host:port/database?sslmode=...`, as a URL, or as `keyword=value` words.

    Raises ProbeError. An address may not say more than that: `hostaddr` or `passfile` would lead the login elsewhere. Where it
    names a database that one alone is watched, as postgres_exporter does it.
    """
    assert isinstance(module.template, PostgresOptions)
    host, port, words = _read_address(address)
    module.admit(host, port)
    if words.keys() & {"user", "password"}:
        raise ProbeError(400, "the target holds a login; give host:port/database alone, and the login in an auth module")
    if words.keys() - {"dbname", "sslmode"} - _IGNORED:
        raise ProbeError(400, "the target may say host, port, dbname and sslmode; everything else belongs under options of the auth module")
    database = plain(words.get("dbname", ""))
    login, options = module.userpass, module.template
    given = {"host": host, "port": str(port), "user": login.username, "password": login.password.reveal(), "dbname": database}
    given |= {"sslmode": words.get("sslmode", ""), **_safeguard(module), **module.options}
    if database and options.databases == DatabaseFilter():
        options = replace(options, databases=DatabaseFilter(include=(f"^{re.escape(database)}$",), exclude=()))
    return replace(
        options,
        name=f"{host}:{port}{'/' if database else ''}{database}",
        dsn=Secret(" ".join(f"{key}={_quoted(value)}" for key, value in given.items() if value)),
        password_file=login.password_file or options.password_file,
    )


def _safeguard(module: LoadedModule) -> dict[str, str]:
    """Keep a password that may go to any host from being asked for in clear by one that only pretends to be a server."""
    return {} if module.targets else {"require_auth": "!password"}


def _read_address(address: str) -> tuple[str, int, dict[str, str]]:
    """Return host, port and the other words. Raises ProbeError."""
    if re.match(r"\s*\w+\s*=", address):
        words = _words_of(address)
        host, port = words.pop("host", "localhost"), words.pop("port", "5432")
        if host.startswith("/") and "," not in host:
            return plain(host), place(f":{port}", 5432)[1], words
        return *place(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", 5432), words
    rest, _, query = re.sub(r"^postgres(ql)?://", "", address).partition("?")
    server, _, database = rest.partition("/")
    words = dict(parse_qsl(query))
    return *place(server, 5432), words | ({"dbname": unquote(database)} if database else {})


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
