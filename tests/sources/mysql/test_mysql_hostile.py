"""Servers that mean ill or are broken. They stand in for real ones, none of which can be made to lie at the login, or to
break or drip its answers. A real one that asks for the password in clear, by PAM, is in test_mysql_tls.py."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import pytest

from mariadb import mysql_options
from servers import serving
from tocsin.errors import AuthError, CollectError, ConnectError, DeadlineError
from tocsin.sources.mysql.session import Connection

PASSWORD = "not for strangers"
OK = b"\0\0\0\2\0\0\0"
END = b"\xfe\0\0\2\0"
COLUMN = b"\3def\0\0\0\7version\0\x0c\x21\0\xff\0\0\0\xfd\0\0\0\0\0"


class StandIn:
    """What a server says after the greeting; it keeps all that it hears."""

    def __init__(self, login: bytes, answer: Callable[[StandIn], None] | None = None) -> None:
        self.login, self.answer, self.heard = login, answer, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = f"mysql://exporter:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.listener.getsockname()[1]}/"

    def say(self, number: int, *packets: bytes) -> None:
        for i, packet in enumerate(packets):
            self.socket.sendall(struct.pack("<I", len(packet))[:3] + bytes([number + i]) + packet)

    def hear(self) -> bytes:
        packet = self.socket.recv(65536)
        self.heard += packet
        return packet

    def serve(self) -> None:
        self.socket, _ = self.listener.accept()
        with self.socket:
            salt = b"12345678\0", b"123456789012\0"
            # Protocol 10; of the capabilities all but TLS, compression and attributes.
            greeting = b"\x0a8.0.36\0" + struct.pack("<I", 7) + salt[0] + struct.pack("<HBHHB", 0xF7DF, 33, 2, 0x000F, 21)
            self.say(0, greeting + bytes(10) + salt[1] + b"mysql_native_password\0")
            self.hear()
            self.say(2, self.login)
            try:
                while question := self.hear():
                    if question[4:].startswith(b"\3SELECT") and self.answer:
                        self.answer(self)
                    else:
                        self.say(1, OK)
            except OSError:
                pass  # the other side has had enough


def refused(server: StandIn, seconds: float = 10.0, **options: object) -> CollectError:
    with pytest.raises(CollectError) as caught:
        Connection(mysql_options(server.dsn, **options), time.monotonic() + seconds)
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("mode", ["", "disabled", "preferred"])
@pytest.mark.parametrize("switch", [b"\xfemysql_clear_password\0", b"\xfedialog\0\4Password: "])
def test_password_is_not_given_to_a_server_that_asks_for_it_in_clear(switch: bytes, mode: str) -> None:
    with serving(StandIn(switch)) as server:
        error = refused(server, ssl_mode=mode)
    assert isinstance(error, AuthError)
    assert "asks for the password in clear" in str(error)
    assert "ssl_mode: verify_ca" in str(error)
    assert PASSWORD.encode() not in server.heard


def test_full_login_by_sha2_does_not_give_the_password_in_clear_without_tls() -> None:
    for plugin in (b"caching_sha2_password", b"sha256_password"):
        with serving(StandIn(b"\xfe" + plugin + b"\0" + b"2" * 20 + b"\0", None)) as server:
            refused(server)
        assert PASSWORD.encode() not in server.heard


@pytest.mark.parametrize("answer", [(b"",), (b"\1", COLUMN, END, b""), (b"\1", COLUMN[:9])])
def test_packet_that_ends_too_early_is_a_broken_server(answer: tuple[bytes, ...]) -> None:
    with serving(StandIn(OK, lambda server: server.say(1, *answer))) as server:
        error = refused(server)
    assert isinstance(error, ConnectError)
    assert "is not understood" in str(error)


def test_login_that_ends_too_early_is_a_broken_server() -> None:
    with serving(StandIn(b"")) as server:
        error = refused(server)
    assert isinstance(error, ConnectError)
    assert "is not understood" in str(error)


def test_row_that_drips_in_ends_at_the_deadline() -> None:
    def drip(server: StandIn) -> None:
        server.say(1, b"\1", COLUMN, END)
        for byte in b"\x65\0\0\4\x64" + b"8" * 100:  # a row of 100 characters, for ten seconds
            server.socket.sendall(bytes([byte]))
            time.sleep(0.1)

    began = time.monotonic()
    with serving(StandIn(OK, drip)) as server:
        error = refused(server, seconds=1.0)
    assert isinstance(error, DeadlineError)
    assert time.monotonic() - began < 8  # without the deadline, all of the ten


def test_no_file_of_ours_is_sent_to_a_server_that_asks_for_one() -> None:
    """As LOAD DATA LOCAL INFILE has a server ask, which may do so in answer to anything."""
    with serving(StandIn(OK, lambda server: server.say(1, b"\xfb/etc/passwd"))) as server:
        error = refused(server)
    assert isinstance(error, ConnectError)
    assert b"root:" not in server.heard
