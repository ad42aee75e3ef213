"""A connection to a server of unknown manners: every wait ends at one deadline, every read is bounded, every failure has a reason."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from tocsin.errors import CollectError, ConnectError, DeadlineError, PrivilegeError, SetupError
from tocsin.handshake.greeting import Tls

_FAREWELL = 1.0
"""Seconds at most that a server has to close its side after we have closed ours."""

_MOST_ADDRESSES = 8
"""Addresses of one name that are tried, each for its share of the time."""

_KINDS = (
    (b"HTTP/", "a web server"), (b"SSH-", "an SSH server"), (b"220", "a mail or FTP server"), (b"+OK", "a mail server"),
    (b"* OK", "a mail server"), (b"-ERR", "Redis"), (b"-DENIED", "Redis"), (b"\x15\x03", "a server that speaks TLS from the first byte"),
)  # fmt: skip
"""How those begin to speak that are met on a wrong port."""


class Peer:
    """The other end. A context manager: entering connects, leaving closes.

    `seconds` says how long each step took. Its methods raise CollectError that names the target and the address.
    """

    def __init__(self, target: str, host: str, port: int, deadline: float, server_name: str) -> None:
        self.target = target
        self.deadline = deadline
        self.seconds: dict[str, float] = {}
        self._host, self._port = host, port
        self._server_name = server_name
        self._is_path = host.startswith("/")
        self.where = host if self._is_path else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._doing = "connecting"
        self._socket: socket.socket

    def __enter__(self) -> Self:
        with self.step("resolve", "looking up the name"):
            places = self._places()
        with self.step("connect", "connecting"):
            self._socket = self._connect(places)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Do one step: its time is noted, and what goes wrong is told with what was being done."""
        self._doing = doing
        began = time.monotonic()
        try:
            yield
        except TimeoutError:
            raise self.late() from None
        except OSError as error:
            raise self._broken(error) from error
        self.seconds[name] = time.monotonic() - began

    def _places(self) -> Sequence[tuple[int, Any]]:
        if self._is_path:
            return [(socket.AF_UNIX, self._host)]
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # the latter for what is too long to be a name
            why = getattr(error, "strerror", None) or "it is not a host name"
            raise ConnectError(f"{self.target}: {self._host[:253]!r} has no address: {why}; is the host right?", lost=True) from error
        return [(family, address) for family, _, _, _, address in found[:_MOST_ADDRESSES]]

    def _connect(self, places: Sequence[tuple[int, Any]]) -> socket.socket:
        """Return a connection to the first address that takes one. Raises what the last one said."""
        failure: OSError = ConnectionRefusedError()
        for number, (family, address) in enumerate(places):
            left = self.left()
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.settimeout(left / (len(places) - number))
                made.connect(address)
            except OSError as error:
                made.close()
                failure = error
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise failure

    def left(self) -> float:
        """Seconds until the deadline. Raises DeadlineError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.late()
        return left

    def late(self) -> DeadlineError:
        return DeadlineError(
            f"{self.target}: {self.where} gave no answer within the deadline while {self._doing}; "
            "is the server overloaded or cut off, and is it the kind that the configuration says?",
            lost=True,
        )

    def _broken(self, error: OSError) -> CollectError:
        if isinstance(error, PermissionError) and self._is_path:
            return PrivilegeError(f"{self.target}: may not use the socket {self.where}; let the exporter's user write to it", lost=True)
        if isinstance(error, ssl.SSLError):  # whose number is OpenSSL's and none of the system's
            return self._tls_failed(error)
        why = os.strerror(error.errno).lower() if error.errno else "it was broken off"
        return ConnectError(
            f"{self.target}: no connection to {self.where} while {self._doing}: {why}; is the server running, and is the address right?",
            lost=True,
        )

    def closed(self) -> ConnectError:
        return ConnectError(
            f"{self.target}: {self.where} closed the connection while {self._doing}; "
            "does the server, or what stands before it, let this host in?",
            lost=True,
        )

    def foreign(self, product: str, heard: bytes) -> SetupError:
        """Say that this is another kind of server, as it is seen from the first bytes of what it sent."""
        kind = next((name for beginning, name in _KINDS if heard.startswith(beginning)), "")
        words = f"looks like {kind}" if kind else f"said {heard[:40]!r}"
        return SetupError(
            f"{self.target}: {self.where} does not speak as {product} does, it {words}; check the port and the protocol", lost=True
        )

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self.left())
        self._socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """Return exactly so many bytes, however slowly they come. Raises ConnectError when the other end closes before."""
        found = self.receive_some(size)
        if len(found) < size:
            raise self.closed()
        return found

    def receive_some(self, most: int) -> bytes:
        """Return what comes until the other end closes, `most` bytes at most."""
        found = b""
        while len(found) < most:
            self._socket.settimeout(self.left())
            piece = self._socket.recv(min(most - len(found), 65536))
            if not piece:
                break
            found += piece
        return found

    def waiting(self, most: int = 64) -> bytes:
        """Return what has arrived and nobody has read yet, without reading it."""
        self._socket.settimeout(0)
        with suppress(BlockingIOError):
            return self._socket.recv(most, socket.MSG_PEEK)
        return b""

    def encrypt(self) -> Tls:
        """Begin TLS with whatever the server can, however old, and whatever certificate it shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
        self._socket.settimeout(self.left())
        name = None if self._is_path else _asked_for(self._server_name)
        self._socket = wrapped = context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
        try:
            wrapped.do_handshake()
        except ssl.SSLEOFError:
            raise self.closed() from None
        except ssl.SSLError as error:
            if _chain(wrapped):  # it has shown its certificate and now wants one of ours, or a cipher that we lack
                return tls_of(wrapped)
            raise self._tls_failed(error) from error
        return tls_of(wrapped)

    def _tls_failed(self, error: ssl.SSLError) -> ConnectError:
        return ConnectError(
            f"{self.target}: TLS with {self.where} failed while {self._doing}: {_words_of(error)}; "
            "does it want a certificate of its clients, and can it do TLS at all?",
            lost=True,
        )

    def leave(self) -> None:
        """Close our side first and wait a moment until the other end has closed its own.

        Left at once, with something unread, the server would find the connection reset and write that to its log.
        """
        moment = min(self.deadline, time.monotonic() + _FAREWELL)
        with suppress(OSError, ValueError):
            self._socket.settimeout(max(0.01, moment - time.monotonic()))
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket = self._socket.unwrap()
            self._socket.shutdown(socket.SHUT_WR)
            for _ in range(16):
                self._socket.settimeout(max(0.01, moment - time.monotonic()))
                if not self._socket.recv(65536):
                    return


def _asked_for(name: str) -> str | None:
    """Return a server's name as TLS may ask for it; None for what is no name.

    >>> _asked_for("db.example."), _asked_for("bücher.example"), _asked_for("127.0.0.1"), _asked_for("a..b"), _asked_for("")
    ('db.example', 'xn--bcher-kva.example', '127.0.0.1', None, None)
    """
    with suppress(UnicodeError):  # too long, or with nothing between two dots
        encoded = name.removesuffix(".").encode("idna").decode("ascii")
        return encoded if re.fullmatch(r"[\w:][\w.:-]*", encoded, re.ASCII) else None
    return None


def tls_of(connection: Any) -> Tls:
    """Return what an encrypted connection, an `ssl.SSLSocket`, says of its other end."""
    cipher = connection.cipher()
    return Tls(version=connection.version() or "", cipher=cipher[0] if cipher else "", chain=_chain(connection))


def _chain(connection: Any) -> tuple[bytes, ...]:
    """Return the certificates that the server sent; where this Python does not tell of all, the server's own."""
    if hasattr(connection, "get_unverified_chain"):  # Python 3.13
        return tuple(connection.get_unverified_chain())
    inner: Any = getattr(connection, "_sslobj", None)
    if hasattr(inner, "get_unverified_chain"):  # since 3.10 it is there, without a public name
        return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_unverified_chain() or ())
    with suppress(ValueError):  # the handshake is not finished
        leaf = connection.getpeercert(binary_form=True)
        return (leaf,) if leaf else ()
    return ()


def _words_of(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
