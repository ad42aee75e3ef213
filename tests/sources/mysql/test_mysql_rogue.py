"""What somebody gets who answers in a server's place and asks for each way to log in. Stands in for a real server, none of which lies."""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

from authority import Authority
from mariadb import MysqlServer, mysql_options
from newest import MySQL
from servers import serving
from tocsin.errors import AuthError, CollectError
from tocsin.sources.mysql.config import GUARDED
from tocsin.sources.mysql.session import Connection

PASSWORD = "hunter2 of the shop"
SALT = b"12345678", b"123456789012"
PLUGINS = (
    "mysql_native_password", "caching_sha2_password", "sha256_password", "mysql_clear_password", "mysql_old_password", "dialog",
    "client_ed25519", "parsec", "auth_gssapi_client", "auth_pam_compat", "authentication_windows_client", "",
)  # fmt: skip
SSL, REST = 0x800, 0xF7DF
FULL, KEY, PROMPT = b"\1\4", b"\2", b"\4Password: "

WHAT_GIVES_IT_AWAY = (
    PASSWORD.encode(),
    PASSWORD.encode()[::-1],
    bytes(a ^ b for a, b in zip(PASSWORD.encode(), SALT[0] + SALT[1], strict=False)),  # what sha2 encrypts for the server's key
    *(
        hashed
        for name in ("md5", "sha1", "sha256", "sha512")
        for once in [hashlib.new(name, PASSWORD.encode())]
        for found in (once, hashlib.new(name, once.digest()))
        for hashed in (found.digest(), found.hexdigest().encode())
    ),
)
"""The password in any plain dress, and the hashes that servers keep: who has one of them needs no password."""


class Rogue:
    """Greets with one way to log in, asks for another, and then for more of it; keeps each byte, of TLS those within it."""

    def __init__(self, greets: str, asks: str, tls: ssl.SSLContext | None) -> None:
        self.greets, self.asks, self.tls = greets, asks, tls
        self.heard = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = f"mysql://exporter:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.listener.getsockname()[1]}/"

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        connection.settimeout(20)
        with suppress(OSError):  # the other side has had enough
            self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        can = REST | (SSL if self.tls else 0)
        middle = struct.pack("<HBHHB", can, 33, 2, 0x000F, 21)
        hello = b"\x0a8.4.2\0" + struct.pack("<I", 7) + SALT[0] + b"\0" + middle + bytes(10) + SALT[1] + b"\0"
        say(connection, 0, hello + self.greets.encode() + b"\0")
        number = 2
        if self.tls is not None:
            self.heard += exactly(connection, 36)
            connection = self.tls.wrap_socket(connection, server_side=True)
            number = 3
        with connection:
            self.hear(connection)
            # For what it has greeted with it asks no second time, but goes on.
            more = [] if self.asks == self.greets else [b"\xfe" + self.asks.encode() + b"\0" + b"".join(SALT) + b"\0"]
            if self.asks == "dialog":
                more = [b"\xfedialog\0" + PROMPT]
            for packet in (*more, FULL, PROMPT, b"\1-----BEGIN PUBLIC KEY-----\n", b"\xfemysql_clear_password\0"):
                say(connection, number, packet)
                number = (self.hear(connection) + 1) & 255

    def hear(self, connection: socket.socket) -> int:
        header = exactly(connection, 4)
        self.heard += header + exactly(connection, int.from_bytes(header[:3], "little"))
        return header[3]


def say(connection: socket.socket, number: int, packet: bytes) -> None:
    connection.sendall(struct.pack("<I", len(packet))[:3] + bytes([number]) + packet)


def exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        if not piece:
            raise ConnectionResetError
        found += piece
    return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Of the rogue's own making, as MySQL's is at its first start."""
    made = Authority(tmp_path_factory.mktemp("rogue"))
    made.self_signed("rogue")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.folder / "rogue.crt", made.folder / "rogue.key")
    return context


def refusal(server: Rogue, mode: str, ca: Path | None = None) -> CollectError:
    with pytest.raises(CollectError) as caught:
        Connection(mysql_options(server.dsn, ssl_mode=mode, ssl_ca=ca), time.monotonic() + 20)
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("asks", PLUGINS)
@pytest.mark.parametrize("greets", ["mysql_native_password", "caching_sha2_password", "sha256_password"])
def test_who_was_merely_found_gets_nothing_that_a_password_is_had_from_without_effort(
    greets: str, asks: str, encrypted: bool, certificate: ssl.SSLContext
) -> None:
    with serving(Rogue(greets, asks, certificate if encrypted else None)) as server:
        refusal(server, GUARDED)
    assert b"exporter" in server.heard
    assert not [piece for piece in WHAT_GIVES_IT_AWAY if piece in server.heard]


@pytest.mark.parametrize("asks", ["caching_sha2_password", "sha256_password"])
@pytest.mark.parametrize("greets", PLUGINS[:3])
def test_the_full_login_is_refused_in_words_with_the_remedy(greets: str, asks: str, certificate: ssl.SSLContext) -> None:
    with serving(Rogue(greets, asks, certificate)) as server:
        error = refusal(server, GUARDED)
    assert isinstance(error, AuthError)
    assert "asks for the password itself" in str(error)
    assert "ssl_mode: verify_ca" in str(error)


def test_the_full_login_goes_to_whom_a_mode_was_chosen_for(certificate: ssl.SSLContext) -> None:
    """Without which no MySQL with a certificate of its own making could be watched."""
    with serving(Rogue("caching_sha2_password", "caching_sha2_password", certificate)) as server:
        refusal(server, "required")
    assert PASSWORD.encode() in server.heard


@pytest.mark.parametrize("mode", ["", "disabled", "preferred", GUARDED])
def test_the_login_of_mysql_4_is_refused_to_everybody(mode: str) -> None:
    with serving(Rogue("mysql_native_password", "mysql_old_password", None)) as server:
        error = refusal(server, mode)
    assert isinstance(error, AuthError)
    assert "which is broken" in str(error)


def test_a_certificate_that_nobody_vouches_for_is_shown_to_no_avail(certificate: ssl.SSLContext, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    with serving(Rogue("caching_sha2_password", "sha256_password", certificate)) as server:
        refusal(server, "verify_ca", stranger.folder / "ca.crt")
    assert b"exporter" not in server.heard


def test_a_real_server_lets_us_in_by_a_hash(server: MysqlServer) -> None:
    """MariaDB at once; MySQL once it has seen the password, which somebody else has to show it."""
    server.exporter_account(PASSWORD, user="hashed")  # others go on with theirs
    dsn = server.dsn("hashed", PASSWORD.replace(" ", "%20"))
    found = mysql_options(dsn, ssl_mode=GUARDED)
    if isinstance(server, MySQL):
        with pytest.raises(AuthError, match="asks for the password itself"):
            Connection(found, time.monotonic() + 20)
        Connection(mysql_options(dsn), time.monotonic() + 20).close()
    Connection(found, time.monotonic() + 20).close()
    server.execute("DROP USER hashed@'%'")
