"""The options of an endpoint: a server that is known by its address alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from tocsin.handshake.mysql import USER
from tocsin.options import TargetOptions, option

PROTOCOLS = ("postgres", "mysql")

_HOST_AND_PORT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s:/@\[\]]+)):(?P<port>\d{1,5})", re.ASCII)


def _is_address(text: str) -> str | None:
    match = _HOST_AND_PORT.fullmatch(text)
    is_place = match is not None and 0 < int(match["port"]) < 65536
    return None if is_place or re.fullmatch(r"/[^\x00-\x1f]{1,106}", text) else "host:port, [IPv6 address]:port, or the path of a socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions(TargetOptions):
    address: str = option(
        help="`host:port` of the server, `[address]:port` with IPv6, or the path of its Unix socket", check=_is_address,
        example="db.example:5432",
    )  # fmt: skip
    protocol: str = option(
        help="what the server speaks: `postgres`, or `mysql`, which MariaDB speaks too", example="postgres",
        check=lambda p: None if p in PROTOCOLS else " or ".join(PROTOCOLS),
    )  # fmt: skip
    server_name: str = option("", help="name or IP address that the server's certificate must be for; without it the host of the address")
    ca_file: Path | None = option(
        None, help="certificates of the authorities that may have signed the server's, as PEM; without it those that the system knows"
    )

    user: str = option(
        USER,
        help="who asks to be let in, without a password, for MySQL and MariaDB count whoever leaves before; MariaDB logs each refusal, "
        "unless this is an account without password or rights",
        check=lambda user: None if user and len(user) <= 32 and user.isprintable() else "a name of at most 32 letters",
    )

    @property
    def place(self) -> tuple[str, int]:
        """Host and port; of a Unix socket its path and 0."""
        match = _HOST_AND_PORT.fullmatch(self.address)
        return (match["six"] or match["host"], int(match["port"])) if match else (self.address, 0)

    @property
    def speaks(self) -> Literal["postgres", "mysql"]:
        return cast(Literal["postgres", "mysql"], self.protocol)
