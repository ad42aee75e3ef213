"""The options of a MySQL or MariaDB target, and the option file that clients of these servers share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from tocsin.errors import SetupError
from tocsin.options import Secret, TargetOptions, option, read_secret_file
from tocsin.sql import OwnQuery

SSL_MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")
"""As the servers' own clients call them: https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode"""


GRANTS = """\
-- MySQL 8.0 and newer. What is on by default needs no more than this:
CREATE USER tocsin@'%' IDENTIFIED BY 'choose one' WITH MAX_USER_CONNECTIONS 5;
GRANT PROCESS, REPLICATION CLIENT ON *.* TO tocsin@'%';
GRANT SELECT ON performance_schema.* TO tocsin@'%';
-- MariaDB 10.5 and newer, in place of the two lines above:
-- GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO tocsin@'%';
-- GRANT SELECT ON performance_schema.* TO tocsin@'%';
-- Sizes of tables, and accounts (info_schema.tables, mysql.user), show only what the user may read:
-- GRANT SELECT ON *.* TO tocsin@'%';
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and who asks, put together from all the options."""

    host: str = "127.0.0.1"
    port: int = 3306
    socket: str = ""
    user: str = ""
    password: Secret = Secret("")
    ssl: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlOptions(TargetOptions):
    dsn: Secret = option(
        Secret(""),
        help="`mysql://user:password@host:port/`, percent-encoded; `?socket=/path` for a Unix socket",
        example="mysql://tocsin@db.example:3306/",
    )
    dsn_file: Path | None = option(None, help="file that holds the connection string, in place of `dsn`")
    password_file: Path | None = option(None, help="file that holds the password; any character is allowed, none is escaped")
    my_cnf: Path | None = option(
        None, help="option file whose group `[client]` gives host, port, socket, user, password and ssl-*; weaker than the dsn"
    )
    ssl_mode: str = option(
        "",
        help="`disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`; "
        "without it `verify_identity` when ssl_ca is given, else `preferred`",
        check=lambda mode: None if mode in ("", *SSL_MODES) else f"one of {', '.join(SSL_MODES)}",
    )
    ssl_ca: Path | None = option(None, help="certificates of the authorities that may have signed the server's")
    ssl_cert: Path | None = option(None, help="certificate that we show to the server")
    ssl_key: Path | None = option(None, help="key of that certificate")
    heartbeat_table: str = option(
        "heartbeat.heartbeat",
        help="database and table that pt-heartbeat writes, for the collector `heartbeat`",
        check=lambda name: None if re.fullmatch(r"[\w$]+\.[\w$]+", name) else "database.table",
    )
    heartbeat_utc: bool = option(False, help="pt-heartbeat runs with --utc")
    queries: tuple[OwnQuery, ...] = option((), help="queries of your own")

    def server(self) -> Address:
        """Return where the server is, from the files as they are now, so that a changed one is seen.

        Raises SetupError that names the file or the option, and never quotes a secret.
        """
        found = Address()
        if self.my_cnf is not None:
            found = _from_option_file(read_option_file(self.my_cnf), self.my_cnf)
        dsn = read_secret_file(self.dsn_file) if self.dsn_file is not None else self.dsn
        if dsn.reveal():
            found = self._from_dsn(dsn.reveal(), found)
        elif self.my_cnf is None:
            raise SetupError(f"target {self.name}: give dsn, dsn_file or my_cnf")
        if self.password_file is not None:
            found = replace(found, password=read_secret_file(self.password_file))
        own = {"ca": self.ssl_ca, "cert": self.ssl_cert, "key": self.ssl_key, "mode": self.ssl_mode}
        return replace(found, ssl={**found.ssl, **{key: str(value) for key, value in own.items() if value}})

    def _from_dsn(self, text: str, weaker: Address) -> Address:
        wrong = SetupError(f"target {self.name}: the dsn is not mysql://user@host:port/; write %40 for an @ in the password")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme not in ("mysql", "mariadb") or parts.netloc.count("@") > 1:
            raise wrong
        words = dict(parse_qsl(parts.query))
        unknown = sorted(words.keys() - {"socket"})
        if unknown:
            raise SetupError(f"target {self.name}: the dsn has the unknown option {', '.join(unknown)}; TLS has the options ssl_*")
        return replace(
            weaker,
            host=unquote(parts.hostname or "") or weaker.host,
            port=port or weaker.port,
            socket=words.get("socket", "" if parts.hostname else weaker.socket),
            user=unquote(parts.username or "") or weaker.user,
            password=weaker.password if parts.password is None else Secret(unquote(parts.password)),
        )

    @property
    def address(self) -> str:
        """host:port, or the socket; empty when it comes from a file."""
        text = self.dsn.reveal()
        if not re.match(r"(mysql|mariadb)://", text):
            return ""
        # What stands before the last @ may be a password that nobody has encoded.
        place = text.partition("://")[2].rpartition("@")[2]
        socket = re.search(r"[?&]socket=([^&#]+)", place)
        return unquote(re.split(r"[/?#]", place, maxsplit=1)[0]) or (unquote(socket[1]) if socket else "local")


_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "\\": "\\", "s": " "}


def read_option_file(path: Path, group: str = "client") -> dict[str, str]:
    """Return the options of one group, by the rules of https://dev.mysql.com/doc/refman/8.4/en/option-files.html.

    Names are given with dashes. Included files are not read. Raises SetupError that names the file.
    """
    found: dict[str, str] = {}
    here = False
    for raw in read_secret_file(path).reveal().splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            here = line[1:-1].strip() == group
        elif here and line and line[0] not in "#;!":
            name, _, value = line.partition("=")
            found[name.strip().replace("_", "-").lower()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    """Take off quotes or a comment at the end, and read escapes; `#` inside quotes is an ordinary character."""
    match = re.fullmatch(r"""(["'])(.*)\1\s*(?:#.*)?""", value)
    text = match[2] if match else value.partition("#")[0].rstrip()
    return re.sub(r"\\([btnrs\\])", lambda escape: _ESCAPES[escape[1]], text)


def _from_option_file(words: dict[str, str], path: Path) -> Address:
    port = words.get("port", "3306")
    if not port.isdigit():
        raise SetupError(f"{path}: the port is not a number")
    ssl = {key: words[f"ssl-{key}"] for key in ("ca", "cert", "key") if words.get(f"ssl-{key}")}
    mode = words.get("ssl-mode", "").lower()
    if mode and mode not in SSL_MODES:
        raise SetupError(f"{path}: ssl-mode is not one of {', '.join(SSL_MODES)}")
    return Address(
        host=words.get("host") or "127.0.0.1",
        port=int(port),
        socket="" if words.get("host") else words.get("socket", ""),
        user=words.get("user", ""),
        password=Secret(words.get("password", "")),
        ssl=ssl | ({"mode": mode} if mode else {}),
    )
