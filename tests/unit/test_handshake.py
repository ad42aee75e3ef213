"""Whoever answers in a server's place, and however badly: an end in time, a reason from the closed set, a message that helps."""

from __future__ import annotations

import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from authority import Authority
from servers import free_port
from tocsin.errors import CollectError, ConnectError, DeadlineError, PrivilegeError, SetupError
from tocsin.handshake import Address, Greeting, State, meet

PROTOCOLS = ("postgres", "mysql")
GREETING = (
    b"\n8.4.2\0"
    + struct.pack("<I", 7)
    + b"saltsalt\0"
    + b"\xff\xff\xff\x02\0\xff\xdf\x15"
    + bytes(10)
    + b"twelve bytes\0caching_sha2_password\0"
)
Behaviour = Callable[[socket.socket], None]


def packet(payload: bytes, number: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


@contextmanager
def peer(behave: Behaviour) -> Iterator[int]:
    """A server that behaves so to everybody who connects; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_ones: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            behave(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_ones.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_ones:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def greet(port: int, protocol: str, seconds: float = 10.0, **more: str) -> Greeting:
    return meet("orders", Address(host="127.0.0.1", port=port, **more), protocol, time.monotonic() + seconds)


def failure(behave: Behaviour, protocol: str, seconds: float = 10.0) -> CollectError:
    """Return how meeting such a server ends, which is never long after the deadline."""
    with peer(behave) as port:
        began = time.monotonic()
        with pytest.raises(CollectError) as caught:
            greet(port, protocol, seconds)
        assert time.monotonic() - began < seconds + 5
        assert f"127.0.0.1:{port}" in str(caught.value)
        assert str(caught.value).startswith("orders: ")
        assert caught.value.lost
        return caught.value


def says(*words: bytes) -> Behaviour:
    """Say that after the client's first bytes, or at once where it says nothing, and close."""

    def behave(connection: socket.socket) -> None:
        connection.settimeout(0.3)
        with suppress(TimeoutError):
            connection.recv(1000)
        for word in words:
            connection.sendall(word)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(5)
        while connection.recv(1000):
            pass

    return behave


def sleep_on(connection: socket.socket) -> None:
    connection.settimeout(60)
    while connection.recv(1000):
        pass


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "looks like a web server"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "looks like an SSH server"),
        (b"220 mail.example ESMTP\r\n", "looks like a mail or FTP server"),
        (b"-ERR unknown command\r\n", "looks like Redis"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "looks like a server that speaks TLS from the first byte"),
        (b"\0\0\0\0\0\0\0\0", "said b'"),
        (bytes(range(128, 256)) * 40, "said b'"),
    ],
)
def test_another_protocol_is_named(protocol: str, words: bytes, told: str) -> None:
    error = failure(says(words), protocol)
    assert isinstance(error, SetupError)
    assert told in str(error)
    assert "check the port and the protocol" in str(error)


def test_mysql_met_as_postgres_is_told_even_where_its_greeting_begins_like_a_good_answer() -> None:
    for letter in b"SN":  # the length of a greeting is its first byte
        error = failure(says(packet(GREETING.ljust(letter, b"x"))), "postgres")
        assert isinstance(error, SetupError)
        assert "does not speak as PostgreSQL does" in str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_silence_ends_at_the_deadline(protocol: str) -> None:
    error = failure(sleep_on, protocol, 1.0)
    assert isinstance(error, DeadlineError)
    assert "gave no answer within the deadline" in str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_connection_that_is_closed_at_once_is_told(protocol: str) -> None:
    error = failure(lambda _: None, protocol)
    assert isinstance(error, ConnectError)
    assert "let this host in" in str(error) or "connection reset" in str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_connection_that_is_reset_is_told(protocol: str) -> None:
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert isinstance(failure(reset, protocol), ConnectError)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nobody_there_is_told(protocol: str) -> None:
    with pytest.raises(ConnectError, match=r"connection refused; is the server running"):
        greet(free_port(), protocol)


def test_a_host_without_an_address_is_told() -> None:
    for host in ("no-such-host.invalid", "x" * 300, "a..b"):
        with pytest.raises(ConnectError, match="has no address"):
            meet("orders", Address(host=host, port=5432), "postgres", time.monotonic() + 30)


def dripping(data: bytes, pause: float) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return behave


def test_a_greeting_that_drips_ends_at_the_deadline_and_not_a_byte_later() -> None:
    assert isinstance(failure(dripping(packet(GREETING), 0.2), "mysql", 1.0), DeadlineError)


def test_a_greeting_in_many_pieces_is_put_together() -> None:
    def behave(connection: socket.socket) -> None:
        dripping(packet(GREETING.replace(b"\xff\xff\xff\x02", b"\xff\xf7\xff\x02")), 0.001)(connection)
        connection.recv(1000)
        connection.sendall(packet(b"\xff\x15\x04#28000Access denied", 2))
        sleep_on(connection)

    with peer(behave) as port:
        found = greet(port, "mysql")
    assert (found.product, found.version, found.auth_plugin) == ("MySQL", "8.4.2", "caching_sha2_password")
    assert (found.offers_tls, found.tls, found.state) == (False, None, State.ANSWERING)
    assert {"resolve", "connect", "greeting", "login"} == found.seconds.keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_endless_data_is_not_read_on(protocol: str) -> None:
    def pour(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"S" if protocol == "postgres" else b"\xff" * 65536)

    # Either more than one byte has come where there must be one, or what follows is no TLS.
    assert isinstance(failure(pour, protocol, 3.0), (SetupError, ConnectError))


def test_an_endless_refusal_is_cut_off() -> None:
    def pour(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"E")
        while True:
            connection.sendall(b"could not fork new process " * 100)

    with peer(pour) as port:
        found = greet(port, "postgres", 3.0)
    assert found.state is State.REFUSING
    assert len(found.said) <= 1000


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b"Ecould not fork new process for connection: Resource temporarily unavailable\n\0",
            "could not fork new process for connection: ",
        ),
        (b"E\0\0\0\x40SFATAL\0C53300\0Msorry, too many clients already\0\0", "sorry, too many clients already"),
    ],
)
def test_postgres_that_refuses_at_once_answers_and_says_why(answer: bytes, said: str) -> None:
    with peer(says(answer)) as port:
        found = greet(port, "postgres")
    assert found.state is State.REFUSING
    assert found.said.startswith(said)
    assert found.offers_tls is None


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (1040, State.TOO_MANY_CONNECTIONS),
        (1129, State.HOST_BLOCKED),
        (1130, State.HOST_NOT_ALLOWED),
        (1053, State.SHUTTING_DOWN),
        (1041, State.REFUSING),
    ],
)
def test_mysql_that_refuses_in_its_greeting_answers_and_says_why(code: int, state: State) -> None:
    with peer(says(packet(b"\xff" + code.to_bytes(2, "little") + b"go  away\n"))) as port:
        found = greet(port, "mysql")
    assert (found.state, found.said, found.offers_tls) == (state, f"go away ({code})", None)


def test_maria_is_told_from_mysql_and_its_number_put_right() -> None:
    for version, told in ((b"5.5.5-10.11.6-MariaDB", "10.11.6-MariaDB"), (b"12.0.2-MariaDB-ubu2404", "12.0.2-MariaDB-ubu2404")):
        words = packet(GREETING.replace(b"8.4.2", version).replace(b"\xff\xff\xff\x02", b"\xff\xf7\xff\x02"))
        with peer(says(words, packet(b"\xff\x15\x04no", 2))) as port:
            found = greet(port, "mysql")
        assert (found.product, found.version) == ("MariaDB", told)


def test_what_a_stranger_calls_its_version_is_bounded_and_printable() -> None:
    words = packet(GREETING.replace(b"8.4.2", b"8\n\x1b[31m" + b"x" * 500).replace(b"\xff\xff\xff\x02", b"\xff\xf7\xff\x02"))
    with peer(says(words, packet(b"\xff\x15\x04no", 2))) as port:
        found = greet(port, "mysql")
    assert len(found.version) == 64
    assert found.version.isprintable()


def test_a_login_that_goes_on_and_on_is_given_up() -> None:
    rounds: list[int] = []

    def behave(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING.replace(b"\xff\xff\xff\x02", b"\xff\xf7\xff\x02")))
        while connection.recv(1000):
            rounds.append(1)
            connection.sendall(packet(b"\xfemysql_clear_password\0", 2))

    with peer(behave) as port:
        assert greet(port, "mysql").state is State.ANSWERING
    assert len(rounds) < 10


def test_a_server_that_lets_anybody_in_is_bidden_farewell() -> None:
    heard: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING.replace(b"\xff\xff\xff\x02", b"\xff\xf7\xff\x02")))
        heard.append(connection.recv(1000))
        connection.sendall(packet(b"\0\0\0\x02\0\0\0", 2))
        heard.append(connection.recv(1000))

    with peer(behave) as port:
        greet(port, "mysql", user="health")
    assert b"health\0" in heard[0]
    assert heard[1] == packet(b"\x01")


def test_a_server_that_offers_tls_and_cannot_is_told() -> None:
    for answer in (b"no TLS here, sorry", b"\x15\x03\x03\x00\x02\x02\x28"):

        def behave(connection: socket.socket, answer: bytes = answer) -> None:
            connection.recv(8)
            connection.sendall(b"S")
            connection.recv(1000)
            connection.sendall(answer)
            sleep_on(connection)

        error = failure(behave, "postgres")
        assert isinstance(error, ConnectError)
        assert "TLS with" in str(error)


def test_a_tls_handshake_that_drips_ends_at_the_deadline() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"S")
        connection.recv(1000)
        dripping(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0" + bytes(1000), 0.1)(connection)

    assert isinstance(failure(behave, "postgres", 1.5), DeadlineError)


def test_a_tls_handshake_that_breaks_off_is_told() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"S")
        connection.recv(1000)

    assert isinstance(failure(behave, "postgres"), ConnectError)


def test_every_beginning_of_a_greeting_and_every_change_in_it_is_survived() -> None:
    dice = random.Random(7)
    whole = packet(GREETING)
    for _ in range(150):
        words = bytearray(whole[: dice.randrange(1, len(whole) + 1)])
        for _ in range(dice.randrange(3)):
            words[dice.randrange(len(words))] = dice.randrange(256)

        def behave(connection: socket.socket, words: bytes = bytes(words)) -> None:
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(1000):
                pass

        with peer(behave) as port, suppress(CollectError):
            greet(port, "mysql", 5.0)


@contextmanager
def tls_peer(context: ssl.SSLContext) -> Iterator[int]:
    """A server that speaks as PostgreSQL does until TLS has begun."""

    def behave(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"S")
        with context.wrap_socket(connection, server_side=True) as wrapped:
            sleep_on(wrapped)

    with peer(behave) as port:
        yield port


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("authority"))
    found.issue("server")
    return found


def context_of(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
    return context


def test_a_server_that_no_careful_client_would_speak_to_is_seen_all_the_same(authority: Authority) -> None:
    context = context_of(authority)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1
    with tls_peer(context) as port:
        found = greet(port, "postgres")
    assert found.tls is not None
    assert (found.tls.version, len(found.tls.chain)) == ("TLSv1", 1)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_certificate_of_its_clients_shows_its_own(authority: Authority, version: ssl.TLSVersion) -> None:
    context = context_of(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.folder / "ca.crt")
    context.minimum_version = context.maximum_version = version
    with tls_peer(context) as port:
        found = greet(port, "postgres")
    assert found.tls is not None
    assert found.tls.chain[0] == ssl.PEM_cert_to_DER_cert((authority.folder / "server.crt").read_text())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_mysql_that_wants_a_certificate_of_its_clients_refuses_and_shows_its_own(authority: Authority, version: ssl.TLSVersion) -> None:
    context = context_of(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.folder / "ca.crt")
    context.minimum_version = context.maximum_version = version

    def behave(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING))
        connection.recv(36)
        with suppress(ssl.SSLError):  # which says so to the other end
            context.wrap_socket(connection, server_side=True).recv(1)

    with peer(behave) as port:
        found = greet(port, "mysql")
    assert (found.state, found.offers_tls, found.version) == (State.REFUSING, True, "8.4.2")
    assert found.tls is not None
    assert found.tls.chain[0] == ssl.PEM_cert_to_DER_cert((authority.folder / "server.crt").read_text())
    assert f"127.0.0.1:{port}" in found.said
    assert "exec format" not in found.said


def test_mysql_that_hangs_in_the_login_is_no_refusal(authority: Authority) -> None:
    context = context_of(authority)

    def behave(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING))
        connection.recv(36)
        with context.wrap_socket(connection, server_side=True) as wrapped:
            sleep_on(wrapped)

    assert isinstance(failure(behave, "mysql", 1.5), DeadlineError)


def test_the_name_is_asked_for_when_tls_begins(authority: Authority) -> None:
    context, asked = context_of(authority), []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with tls_peer(context) as port:
        greet(port, "postgres", server_name="db.example")
        for name in ("", "127.0.0.1", "x" * 300, "a..b", "\0", "."):
            assert greet(port, "postgres", server_name=name).tls is not None
    assert asked[:2] == ["db.example", None]


def test_a_socket_is_met_by_its_path_and_one_that_is_not_there_or_closed_to_us_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(8)
                connection.sendall(b"N")

        thread = threading.Thread(target=serve)
        thread.start()
        found = meet("orders", Address(host=str(path), port=0), "postgres", time.monotonic() + 10)
        thread.join(10)
    assert found.offers_tls is False
    with pytest.raises(ConnectError, match="connection refused"):
        meet("orders", Address(host=str(path), port=0), "postgres", time.monotonic() + 10)
    with pytest.raises(ConnectError, match=r"no such file or directory"):
        meet("orders", Address(host=str(tmp_path / "absent"), port=0), "postgres", time.monotonic() + 10)


def test_a_socket_that_we_may_not_use_is_a_matter_of_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)  # root may use any
    with pytest.raises(PrivilegeError, match="let the exporter's user write to it"):
        meet("orders", Address(host=str(tmp_path / "s"), port=0), "postgres", time.monotonic() + 10)


def test_the_first_of_several_addresses_that_swallows_everything_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(says(b"N")) as port, socket.create_server(("127.0.0.2", port), backlog=0) as full:
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:  # its queue is full: whoever comes now waits
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(("127.0.0.2", port))
        assert full.fileno() > 0
        places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: places)
        found = greet(port, "postgres", 6.0)
        for one in crowd:
            one.close()
    assert found.state is State.ANSWERING
    assert found.seconds["connect"] > 1
