"""Auth modules: how /probe logs in to a server that no configuration lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from tocsin.errors import ProbeError
from tocsin.options import Secret, TargetOptions, option

Options = TypeVar("Options", bound=TargetOptions)

_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+"
_PLACE = re.compile(rf"(?P<host>{_HOST})?(?::(?P<port>\d{{1,5}}))?", re.ASCII)
_LONGEST_NAME = 255
_LONGEST_HOST = 253
_LONGEST_LABEL = 63
"""Of a host name and of what stands between its dots (RFC 1035)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPass:
    """The login of an auth module."""

    username: str = option("", help="user name")
    password: Secret = option(Secret(""), help="password")
    password_file: Path | None = option(None, help="file that holds the password, in place of `password`; read at every login")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthModule:
    """One way to log in, as postgres_exporter writes it, and what is watched of the servers that it is for."""

    kind: str = option("postgres", help="`postgres` or `mysql`")
    type: str = option("userpass", help="`userpass`", check=lambda t: None if t == "userpass" else "userpass")
    userpass: UserPass = option(UserPass(), help="the login")
    options: dict[str, str] = option({}, help="words of the connection string, such as `sslmode`; stronger than those in the address")
    targets: tuple[str, ...] = option(
        (),
        help="hosts that the login may be sent to, as `*.db.example` or `10.0.0.?:5432`; "
        "without them it goes to any host that a request names, as the reference exporters send it",
        check=lambda patterns: None if all(patterns) else "host names, `*` and `?` stand for any letters",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModule(AuthModule):
    """An auth module as it was loaded: with a target of its kind that lacks an address."""

    name: str
    template: TargetOptions

    def admit(self, host: str, port: int) -> None:
        """Raise ProbeError when the login must not be sent there."""
        names = (host.lower(), f"{host.lower()}:{port}")
        if self.targets and not any(fnmatchcase(name, pattern.lower()) for pattern in self.targets for name in names):
            raise ProbeError(
                403, f"{host}:{port} is not among the targets of this auth module; add it under auth_modules.{self.name}.targets"
            )


def place(text: str, default_port: int) -> tuple[str, int]:
    """Return host and port. Raises ProbeError, which does not repeat the text: it may hold a login."""
    if "@" in text:
        raise ProbeError(400, "the target holds a login; give host:port alone, and the login in an auth module")
    match = _PLACE.fullmatch(text)
    port = int(match["port"] or default_port) if match else 0
    if match is None or not 0 < port < 65536:
        raise ProbeError(400, "the target is not host:port")
    host = (match["host"] or "localhost").strip("[]")
    if len(host) > _LONGEST_HOST or not all(0 < len(label) <= _LONGEST_LABEL for label in host.removesuffix(".").split(".")):
        raise ProbeError(400, f"the target's host is no host name: {_LONGEST_HOST} letters at most, {_LONGEST_LABEL} between two dots")
    return host, port


def plain(text: str) -> str:
    """Return the name of a socket or a database as it stands. Raises ProbeError for one that could begin a line of its own in a log."""
    if len(text) > _LONGEST_NAME or not text.isprintable():
        raise ProbeError(400, f"the target holds control characters, or a name of more than {_LONGEST_NAME} letters")
    return text
