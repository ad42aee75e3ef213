"""The options of a PostgreSQL target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tocsin.errors import SetupError
from tocsin.options import DatabaseFilter, Duration, Secret, TargetOptions, option, read_secret_file
from tocsin.sql import OwnQuery

GRANTS = """\
-- Statistics of everybody, settings, sizes and the log folder; no table's rows. As a superuser, in any database.
-- The limit leaves room for `tocsin check` beside a running exporter:
CREATE ROLE tocsin LOGIN PASSWORD 'choose one' CONNECTION LIMIT 15;
GRANT pg_monitor TO tocsin;
-- For stat_statements, in the database of the dsn (the library must be in shared_preload_libraries):
-- CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
-- A query of your own needs SELECT on what it reads:
-- GRANT SELECT ON public.orders TO tocsin;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOptions(TargetOptions):
    dsn: Secret = option(
        Secret(""),
        help="connection string, as a URL or as `keyword=value` words; libpq's, so every word of its manual works",
        example="postgresql://tocsin@db.example:5432/postgres",
    )
    dsn_file: Path | None = option(None, help="file that holds the connection string, in place of `dsn`")
    password_file: Path | None = option(None, help="file that holds the password; any character is allowed, none is escaped")
    databases: DatabaseFilter = option(DatabaseFilter(), help="databases whose schema is watched")
    max_connections: int = option(
        6,
        help="most connections to the server: half for live series, half for schemas; each half takes databases in turn beyond that",
        check=lambda n: None if n >= 4 else "4 or more",
    )
    compat: str = option(
        "0.20",
        help="release of postgres_exporter whose names are served: `0.20`, or `0.19` with the label `server` and the older slot names",
        check=lambda v: None if v in ("0.19", "0.20") else "0.19 or 0.20, in quotes",
    )
    queries: tuple[OwnQuery, ...] = option((), help="queries of your own")
    full_inspection_every: Duration = option(
        Duration(1800), help="after so long a schema is read in full even if the cheap check saw nothing"
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
        words = dict(re.findall(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)", text))
        return ":".join(filter(None, (words.get("host", "").strip("'"), words.get("port", "").strip("'"))))


def _host_and_port(url: str) -> str | None:
    """Return host and port as libpq finds them, None when an unescaped character of the password has gone astray."""
    rest = url.partition("://")[2]
    login, at, others = rest.partition("@")
    if at and "/" not in login:
        rest = others
    return None if re.match(r"[^=]*@", rest) else re.split(r"[/?]", rest, maxsplit=1)[0]
