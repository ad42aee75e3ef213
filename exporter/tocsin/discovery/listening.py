"""Sockets that somebody on this machine listens at, with the user they are of, as the kernel tells everybody."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_POSTGRES = re.compile(r"\.s\.PGSQL\.(\d{1,5})")
_MYSQL = re.compile(r"(?:mysqld?|mariadbd?)(?:-[\w.]+)?\.sock")
_LISTENING = 0x10000
"""__SO_ACCEPTCON among the flags of a Unix socket."""


class Listener(NamedTuple):
    """Where a socket is listened at: host and port, or a path and 0."""

    host: str
    port: int

    def addresses(self, *, both: bool) -> list[str]:
        """Return where it is reached from this machine; `both` says that one of every IPv6 address takes IPv4 as well."""
        if not self.port:
            return [self.host]
        if self.host == "::" and both:
            return [f"127.0.0.1:{self.port}", f"[::1]:{self.port}"]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 -- read, not listened at
        return [f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"]


class Listening(NamedTuple):
    """Each with the number of the user."""

    tcp: list[tuple[Listener, int]]
    paths: list[tuple[str, int]]


def postgres_port(path: str) -> int:
    """Return the port after which PostgreSQL names its socket; 0 for what is none of its.

    >>> postgres_port("/run/postgresql/.s.PGSQL.5432"), postgres_port("/run/postgresql/.s.PGSQL.5432.lock")
    (5432, 0)
    """
    found = _POSTGRES.fullmatch(path.rpartition("/")[2])
    return int(found[1]) if found else 0


def is_mysql_socket(path: str) -> bool:
    """Tell whether a socket is called as MySQL and MariaDB call theirs."""
    return _MYSQL.fullmatch(path.rpartition("/")[2]) is not None


def owner_of(path: str) -> int | None:
    """Return the number of a socket's user, None where there is no socket: its server may have another view of the files."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found.st_uid if stat.S_ISSOCK(found.st_mode) else None


def read_listening() -> Listening:
    """Return what is listened at within this process's network; of Unix sockets those whose files are to be seen."""
    tcp = [*parse_tcp(_read("tcp")), *parse_tcp(_read("tcp6"))]
    paths = {path: owner for path in parse_unix(_read("unix")) if (owner := owner_of(path)) is not None}
    return Listening(sorted(tcp), sorted(paths.items()))


def parse_tcp(text: str) -> Iterator[tuple[Listener, int]]:
    """Yield the listening sockets of /proc/net/tcp or tcp6: addresses are words of four bytes in the machine's order. proc_pid_net(5)."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 7 and words[3] == "0A":
            host, _, port = words[1].partition(":")
            packed = b"".join(bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8))
            yield Listener(str(ipaddress.ip_address(packed)), int(port, 16)), int(words[7])


def parse_unix(text: str) -> Iterator[str]:
    """Yield the paths of /proc/net/unix at which somebody listens."""
    for line in text.splitlines()[1:]:
        words = line.split(maxsplit=7)
        if len(words) == 8 and words[7].startswith("/") and int(words[3], 16) & _LISTENING:
            yield words[7]


def _read(name: str) -> str:
    try:
        return Path(f"/proc/net/{name}").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
