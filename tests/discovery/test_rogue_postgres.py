"""What somebody gets who answers in a PostgreSQL server's place and asks for each way to log in. No real server lies so."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path

import psycopg.pq
import pytest

from finds import container, parse
from servers import serving
from tocsin.discovery.credentials import plan
from tocsin.discovery.places import Resolver
from tocsin.errors import AuthError, CollectError, SetupError
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.connection import Connection

PASSWORD = "hunter2 of the shop"
SALT = b"salt"
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"

CLEAR, MD5, SCRAM = struct.pack(">I", 3), struct.pack(">I", 5) + SALT, struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0"
OTHERS = [struct.pack(">I", number) for number in (2, 4, 6, 7, 9, 99)]  # Kerberos 5, crypt, SCM, GSSAPI, SSPI, what nobody knows

WHAT_GIVES_IT_AWAY = (
    PASSWORD.encode(),
    base64.b64encode(PASSWORD.encode()),
    *(hashlib.new(name, PASSWORD.encode()).hexdigest().encode() for name in ("md5", "sha1", "sha256")),
    hashlib.md5(f"{PASSWORD}tocsin".encode()).hexdigest().encode(),  # what the server keeps: who has it may log in by it
)


class Rogue:
    """Speaks without TLS, asks for one way to log in and then for the password in clear, and keeps each byte."""

    def __init__(self, asks: bytes) -> None:
        self.asks, self.heard = asks, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        connection.settimeout(20)
        with connection, suppress(OSError):  # the other side has had enough
            self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        while (begin := self.hear(connection)) == SSL_REQUEST:
            connection.sendall(b"N")
        asks = [self.asks, CLEAR]
        if self.asks == SCRAM and begin:
            asks = [SCRAM]
        for ask in asks:
            connection.sendall(b"R" + struct.pack(">I", len(ask) + 4) + ask)
            answer = self.hear(connection)
            if ask == SCRAM and b"r=" in answer:  # the cheapest there is to guess from
                nonce = answer.partition(b"r=")[2]
                first = b"r=%sX,s=%s,i=1" % (nonce, base64.b64encode(SALT))
                connection.sendall(b"R" + struct.pack(">II", len(first) + 8, 11) + first)
                self.hear(connection)

    def hear(self, connection: socket.socket) -> bytes:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        self.heard += piece
        return piece


def found(server: Rogue, text: str, **hints: str) -> PostgresOptions:
    """Return the target that discovery makes of the container at the rogue's address."""
    options = plan(container("orders", server.address, hints=hints), "orders", parse(text), Resolver()).options
    assert isinstance(options, PostgresOptions)
    return options


def refusal(options: PostgresOptions) -> CollectError:
    with pytest.raises(CollectError) as caught:
        Connection(options, None, time.monotonic() + 20)
    assert PASSWORD not in str(caught.value)
    return caught.value


DEFAULTS = f"defaults: {{postgres: {{userpass: {{username: tocsin, password: {PASSWORD}}}, targets: [orders]}}}}"


@pytest.mark.parametrize("asks", [CLEAR, MD5, SCRAM, *OTHERS], ids=lambda asks: str(int.from_bytes(asks[:4], "big")))
def test_who_was_merely_found_gets_nothing_that_a_password_is_had_from_without_effort(asks: bytes) -> None:
    with serving(Rogue(asks)) as server:
        error = refusal(found(server, DEFAULTS))
    assert b"tocsin" in server.heard
    assert not [piece for piece in WHAT_GIVES_IT_AWAY if piece in server.heard]
    if asks == CLEAR:
        assert isinstance(error, AuthError)
        assert "require_auth" in str(error)
    if asks in (MD5, SCRAM):  # a hash with a salt of each, as README says
        assert b"md5" in server.heard or b"p=" in server.heard


@pytest.mark.parametrize("asks", [MD5, SCRAM], ids=["md5", "scram"])
def test_a_label_gets_no_password_of_the_exporters_own(asks: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which libpq would look for in its environment and in the home folder."""
    (tmp_path / "pgpass").write_text(f"*:*:*:*:{PASSWORD}\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with serving(Rogue(asks)) as server:
        error = refusal(found(server, "", user="tocsin"))
    assert "no password supplied" in str(error)
    assert b"p=" not in server.heard
    assert b"md5" not in server.heard


def test_a_libpq_that_knows_no_such_refusal_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_dsn: str) -> dict[str, str]:
        raise psycopg.ProgrammingError('invalid connection option "require_auth"')

    monkeypatch.setattr(psycopg.conninfo, "conninfo_to_dict", refuse)  # as libpq 15 says it, which is not to be had here
    monkeypatch.setattr(psycopg.pq, "version", lambda: 150000)
    options = plan(container(), "orders", parse(DEFAULTS), Resolver()).options
    assert isinstance(options, PostgresOptions)
    error = refusal(options)
    assert isinstance(error, SetupError)
    assert "libpq 16" in str(error)
