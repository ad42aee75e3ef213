"""The options of a MySQL or MariaDB target."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tocsin.auth import LoadedModule, place, plain
from tocsin.errors import SetupError
from tocsin.options import DatabaseFilter, Secret, option, read_secret_file
from tocsin.sources.mysql import godsn
from tocsin.sources.mysql.optionfile import read_option_file
from tocsin.sql import SqlOptions

SSL_MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")
"""As the servers' own clients call them: https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode"""

GUARDED = "guarded"
"""The mode of a server that was merely found, where nobody chose one: as `preferred`, and who has not shown who it is gets a hash."""


GRANTS = """\
-- MySQL 8.0 and newer. What is on by default needs no more than this:
CREATE USER tocsin@'%' IDENTIFIED BY 'choose one' WITH MAX_USER_CONNECTIONS 5;
GRANT PROCESS, REPLICATION CLIENT, SHOW_ROUTINE ON *.* TO tocsin@'%';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO tocsin@'%';
-- MariaDB 10.5 and newer, in place of the two lines above:
-- GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO tocsin@'%';
-- GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO tocsin@'%';
-- The last of them shows schemas, sizes and accounts; every session of ours is read-only. Where the exporter may read no data,
-- these take its place. Views, sequences and other accounts' rights are then reported as unseen, and no sizes are shown:
-- GRANT REFERENCES, TRIGGER, EVENT ON *.* TO tocsin@'%';
-- GRANT SELECT ON performance_schema.* TO tocsin@'%';
-- GRANT SELECT ON mysql.proc TO tocsin@'%'; -- MariaDB
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
class MysqlOptions(SqlOptions):
    dsn: Secret = option(
        Secret(""),
        help="`mysql://user:password@host:port/`, percent-encoded, `?socket=/path` for a Unix socket; "
        "or the unescaped `user:password@tcp(host:port)/` of mysqld_exporter before 0.15",
        example="mysql://tocsin@db.example:3306/",
    )
    dsn_file: Path | None = option(None, help="file that holds the connection string, in place of `dsn`")
    password_file: Path | None = option(None, help="file that holds the password; any character is allowed, none is escaped")
    my_cnf: Path | None = option(None, help="option file that gives host, port, socket, user, password and ssl-*; weaker than the dsn")
    my_cnf_group: str = option("client", help="its group; what `[client.shop]` does not say `[client]` does")
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
    databases: DatabaseFilter = option(DatabaseFilter(exclude=()), help="databases whose schema is watched; the server's own never are")

    def watches(self, database: str) -> bool:
        """Tell whether the configuration includes a database and does not exclude it."""
        chosen = self.databases
        return any(re.search(p, database) for p in chosen.include) and not any(re.search(p, database) for p in chosen.exclude)

    def server(self) -> Address:
        """Return where the server is, from the files as they are now, so that a changed one is seen.

        Raises SetupError that names the file or the option, and never quotes a secret.
        """
        found = Address()
        if self.my_cnf is not None:
            found = _from_option_file(read_option_file(self.my_cnf, self.my_cnf_group), self.my_cnf)
        dsn = read_secret_file(self.dsn_file) if self.dsn_file is not None else self.dsn
        if dsn.reveal():
            found = self._from_dsn(dsn.reveal(), found)
        elif self.my_cnf is None:
            raise SetupError(f"target {self.name}: give dsn, dsn_file or my_cnf")
        if self.password_file is not None:
            found = replace(found, password=read_secret_file(self.password_file))
        own = {"ca": self.ssl_ca, "cert": self.ssl_cert, "key": self.ssl_key, "mode": self.ssl_mode}
        words = {**found.ssl, **{key: str(value) for key, value in own.items() if value}}
        if self.ssl_mode == GUARDED and (chosen := found.ssl.get("mode") or ("verify_identity" if "ca" in words else "")):
            words["mode"] = chosen
        return replace(found, ssl=words)

    def _from_dsn(self, text: str, weaker: Address) -> Address:
        if (go := godsn.parse(text)) is not None:
            return self._from_go_dsn(go, weaker)
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

    def _from_go_dsn(self, go: godsn.GoDsn, weaker: Address) -> Address:
        mode = godsn.TLS_MODES.get(go.tls)
        if mode is None:
            raise SetupError(f"target {self.name}: the dsn names a TLS configuration that only its old program knew; use the options ssl_*")
        return replace(
            weaker,
            host=go.host or weaker.host,
            port=go.port or weaker.port,
            socket=go.socket or ("" if go.host else weaker.socket),
            user=go.user or weaker.user,
            password=Secret(go.password) if go.password else weaker.password,
            ssl={**weaker.ssl, "mode": mode} if mode else weaker.ssl,
        )

    @property
    def knows_the_server(self) -> bool:
        """Whether the server must prove who it is before it gets a password; MySQL may ask for the password itself.

        That some authority of the system's has signed a certificate for somebody proves nothing.
        """
        return self.ssl_mode == "verify_identity" or (self.ssl_mode in ("", "verify_ca") and self.ssl_ca is not None)

    def places(self) -> tuple[str, ...]:
        server = self.server()
        host = f"[{server.host}]" if ":" in server.host else server.host
        return (server.socket or f"{host}:{server.port}",)

    @property
    def address(self) -> str:
        """host:port, or the socket; empty when it comes from a file."""
        text = self.dsn.reveal()
        if (go := godsn.parse(text)) is not None:
            return go.address
        if not re.match(r"(mysql|mariadb)://", text):
            return ""
        # What stands before the last @ may be a password that nobody has encoded.
        place = text.partition("://")[2].rpartition("@")[2]
        socket = re.search(r"[?&]socket=([^&#]+)", place)
        return unquote(re.split(r"[/?#]", place, maxsplit=1)[0]) or (unquote(socket[1]) if socket else "local")


def visit(module: LoadedModule, address: str) -> MysqlOptions:
    """Return the options of a server that /probe names: `host:port`, or `unix:///path` of a socket. Raises ProbeError."""
    assert isinstance(module.template, MysqlOptions)
    login = module.userpass
    user = quote(login.username, safe="") + (f":{quote(login.password.reveal(), safe='')}" if login.password.reveal() else "")
    ssl_mode = module.template.ssl_mode
    if address.startswith("unix://"):
        socket = plain(address.removeprefix("unix://"))
        module.admit(socket, 0)
        where, name = f"/?socket={quote(socket)}", socket
        ssl_mode = "disabled"  # a socket has no TLS, by which who listens there could prove who it is
    else:
        host, port = place(address, 3306)
        module.admit(host, port)
        name = f"{f'[{host}]' if ':' in host else host}:{port}"
        where = f"{name}/"
    return replace(
        module.template,
        name=name,
        dsn=Secret(f"mysql://{user}{'@' if user else ''}{where}"),
        ssl_mode=ssl_mode,
        password_file=login.password_file or module.template.password_file,
    )


def _from_option_file(words: dict[str, str], path: Path) -> Address:
    port = words.get("port", "") or "3306"
    if not port.isdigit():
        raise SetupError(f"{path}: the port is not a number")
    ssl = {key: words[f"ssl-{key}"] for key in ("ca", "cert", "key") if words.get(f"ssl-{key}")}
    mode = _ssl_mode(words, path)
    # As for the clients: the socket is for the machine itself, unless TCP is asked for.
    local = words.get("host", "") in ("", "localhost") and words.get("protocol", "").lower() != "tcp"
    return Address(
        host=words.get("host") or "127.0.0.1",
        port=int(port),
        socket=words.get("socket", "") if local else "",
        user=words.get("user", ""),
        password=Secret(words.get("password", "")),
        ssl=ssl | ({"mode": mode} if mode else {}),
    )


_NO = ("0", "off", "false", "no")


def _ssl_mode(words: dict[str, str], path: Path) -> str:
    """Return what the options of MySQL's clients, of MariaDB's and of mysqld_exporter say of TLS; empty when they say nothing."""
    mode = words.get("ssl-mode", "").lower()
    if mode and mode not in SSL_MODES:
        raise SetupError(f"{path}: ssl-mode is not one of {', '.join(SSL_MODES)}")
    if mode:
        return mode
    if "skip-ssl" in words or "disable-ssl" in words or words.get("ssl", "1").lower() in _NO:
        return "disabled"
    if words.get("ssl-verify-server-cert", "0").lower() not in _NO:
        return "verify_identity"
    if words.get("ssl-skip-verification", "0").lower() not in _NO or "skip-ssl-verify-server-cert" in words:
        return "required"
    return "required" if "ssl" in words and "ssl-ca" not in words else ""
