"""The data source names of mysqld_exporter before 0.15, those of its Go driver: `user:password@tcp(host:3306)/`.

The form: https://github.com/go-sql-driver/mysql#dsn-data-source-name
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_FORM = re.compile(
    r"(?:(?P<login>.*)@)?(?P<net>tcp|tcp4|tcp6|unix|)(?:\((?P<place>[^()]*)\))?/(?P<database>[^/?]*)(?:\?(?P<words>[^/]*))?", re.DOTALL
)
TLS_MODES = {"": "", "true": "verify_identity", "false": "disabled", "skip-verify": "required", "preferred": "preferred"}
"""What the option `tls` means. Other words are names of configurations that the program had, which nobody else can know."""


@dataclass(frozen=True, slots=True)
class GoDsn:
    """What such a name says, unescaped as it always is: nothing in a password has a meaning, for the last @ ends it."""

    user: str
    password: str
    host: str = ""
    port: int | None = None
    socket: str = ""
    tls: str = ""

    @property
    def address(self) -> str:
        """host:port or the socket."""
        host = f"[{self.host}]" if ":" in self.host else self.host or "127.0.0.1"
        return self.socket or f"{host}:{self.port or 3306}"


def parse(text: str) -> GoDsn | None:
    """Return what a name of this form says; None for a text of any other form. Options but `tls` say nothing to us."""
    match = None if text.startswith(("mysql://", "mariadb://")) else _FORM.fullmatch(text)
    if match is None or not (match["login"] or match["net"] or match["place"]):
        return None
    user, _, password = (match["login"] or "").partition(":")
    tls = dict(parse_qsl(match["words"] or "")).get("tls", "").lower()
    place = match["place"] or ""
    if match["net"] == "unix":
        return GoDsn(user, password, socket=place, tls=tls)
    host, _, port = place.rpartition(":") if re.search(r":\d+$", place) else (place, "", "")
    return GoDsn(user, password, host.strip("[]"), int(port) if port else None, tls=tls)
