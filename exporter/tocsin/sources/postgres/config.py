"""The options of a PostgreSQL target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tocsin.errors import SetupError
from tocsin.options import DatabaseFilter, Secret, TargetOptions, option, read_secret_file


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
        4,
        help="most connections to the server: one for live series, the others for schemas",
        check=lambda n: None if n >= 2 else "2 or more",
    )
    full_inspection_every: float = option(1800.0, help="seconds after which a schema is read in full even if the cheap check saw nothing")

    def connection_string(self) -> Secret:
        """Return the DSN, read from its file each time so that a changed file is seen.

        Raises SetupError when there is none, or when a password in it hides an `@`: libpq would then take
        the rest of the password for a host name and show it in its messages.
        """
        if self.dsn_file is not None:
            dsn = read_secret_file(self.dsn_file)
        elif self.dsn.reveal():
            dsn = self.dsn
        else:
            raise SetupError(f"target {self.name}: give dsn or dsn_file")
        match = re.match(r"postgres(?:ql)?://([^/?]*)", dsn.reveal())
        if match and match[1].count("@") > 1:
            raise SetupError(f"target {self.name}: the dsn has more than one @; write %40 for those in the password, or use password_file")
        return dsn

    def password(self) -> Secret | None:
        return read_secret_file(self.password_file) if self.password_file else None

    @property
    def address(self) -> str:
        """host:port, or the socket folder; empty when the DSN comes from a file."""
        text = self.dsn.reveal()
        if "://" in text:
            netloc = urlsplit(text).netloc.rpartition("@")[2]
            return unquote(netloc) or "local"
        words = dict(re.findall(r"(host|port)\s*=\s*('[^']*'|\S+)", text))
        return ":".join(filter(None, (words.get("host", "").strip("'"), words.get("port", "").strip("'"))))
