"""How MySQL and MariaDB are met: they speak first, TLS begins within the login, and who leaves before its end is counted.

https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html. A connection that ends between the greeting and
the login is an error to them: after `max_connect_errors` of those in a row the server lets nobody in from that host. So the
login is brought to its end, with a name that no account has and without a password, and the server says no: that is not counted.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from tocsin.errors import ConnectError
from tocsin.handshake.greeting import Greeting, State
from tocsin.handshake.peer import Peer

USER = "tocsin_handshake"
"""Who asks. Somebody's account would be one whose failed logins are counted."""

_PLUGIN = "mysql_native_password"
_LONGEST_GREETING = 4096
_LONGEST_ANSWER = 65536
_MOST_ANSWERS = 6
_LONGEST_WORD = 64

_PROTOCOL_41, _SSL, _SECURE, _PLUGIN_AUTH = 0x200, 0x800, 0x8000, 0x80000
_OURS = 1 | _PROTOCOL_41 | _SECURE | _PLUGIN_AUTH
_UTF8 = 45
_QUIT = b"\x01"

_STATES = {
    1040: State.TOO_MANY_CONNECTIONS,
    1053: State.SHUTTING_DOWN,
    1129: State.HOST_BLOCKED,
    1130: State.HOST_NOT_ALLOWED,
}
"""Errors that are sent in place of a greeting: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html"""


class _Hello(NamedTuple):
    version: str
    capabilities: int
    plugin: str


class Malformed(Exception):
    """The bytes are no greeting."""


def speak(peer: Peer, user: str) -> Greeting:
    """Hear the greeting, begin TLS where it is offered, and be refused. Raises CollectError."""
    with peer.step("greeting", "waiting for its greeting, with which MySQL and MariaDB begin"):
        number, payload = _receive(peer, _LONGEST_GREETING)
        try:
            if payload[:1] == b"\xff":
                code, said = error_of(payload)
                return Greeting(state=_STATES.get(code, State.REFUSING), said=f"{said} ({code})")
            hello = greeting_of(payload)
        except Malformed:
            raise peer.foreign("MySQL", _header(number, payload) + payload) from None
    is_maria = hello.version.startswith("5.5.5-") or "mariadb" in hello.version.lower()
    found = Greeting(
        state=State.ANSWERING,
        offers_tls=bool(hello.capabilities & _SSL),
        product="MariaDB" if is_maria else "MySQL",
        version=hello.version.removeprefix("5.5.5-"),  # put before it for replicas that know no version above 5
        auth_plugin=hello.plugin,
    )
    return _encrypted(peer, found, user, number + 1) if found.offers_tls else _refused(peer, found, user, number + 1, 0)


def _encrypted(peer: Peer, found: Greeting, user: str, number: int) -> Greeting:
    with peer.step("tls", "beginning TLS"):
        peer.send(_packet(number, _login_head(_SSL)))
        tls = peer.encrypt()
    shown = replace(found, tls=tls)
    try:
        return _refused(peer, shown, user, number + 1, _SSL)
    except ConnectError as error:  # it has greeted and shown its certificate, and wants one of ours, say: that is how it refuses
        return replace(shown, state=State.REFUSING, said=str(error).removeprefix(f"{peer.target}: "))


def _refused(peer: Peer, found: Greeting, user: str, number: int, more: int) -> Greeting:
    """Bring the login to its end, which is a refusal, or a farewell where the server lets anybody in."""
    with peer.step("login", "being refused the login, which ends the handshake"):
        peer.send(_packet(number, _login_head(more) + user.encode() + b"\0\0" + _PLUGIN.encode() + b"\0"))
        for _ in range(_MOST_ANSWERS):
            number, payload = _receive(peer, _LONGEST_ANSWER)
            if payload[:1] == b"\0":
                peer.send(_packet(0, _QUIT))
                break
            if payload[:1] not in (b"\xfe", b"\x01"):  # neither another way to log in nor more of this one
                found = _judged(found, payload)
                break
            peer.send(_packet(number + 1, b""))
    peer.leave()
    return found


def _judged(found: Greeting, payload: bytes) -> Greeting:
    """Return what is known with the server's last word. That it is full it says here, while the place kept for administrators is free."""
    with suppress(Malformed):
        code, said = error_of(payload)
        if payload[:1] == b"\xff" and code in _STATES:
            return replace(found, state=_STATES[code], said=f"{said} ({code})")
    return found


def _login_head(more: int) -> bytes:
    return struct.pack("<IIB23x", _OURS | more, 1 << 24, _UTF8)


def _packet(number: int, payload: bytes) -> bytes:
    return _header(number, payload) + payload


def _header(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number & 255])


def _receive(peer: Peer, most: int) -> tuple[int, bytes]:
    """Return the next packet's number and payload. Raises SetupError for one that no such server sends."""
    header = peer.receive(4)
    size = int.from_bytes(header[:3], "little")
    if not 0 < size <= most:
        raise peer.foreign("MySQL", header + peer.waiting())
    return header[3], peer.receive(size)


def greeting_of(payload: bytes) -> _Hello:
    """Return what a greeting (HandshakeV10) says. Raises Malformed.

    >>> capabilities = b"\\xff\\xff\\xff\\x02\\0\\xff\\xdf\\x15"
    >>> greeting_of(b"\\n8.4.2\\0" + bytes(4) + b"saltsalt\\0" + capabilities + bytes(10) + b"twelve bytes\\0caching\\0")
    _Hello(version='8.4.2', capabilities=3758096383, plugin='caching')
    """
    version, end, rest = payload[1:].partition(b"\0")
    if payload[:1] != b"\n" or not end or not version or len(rest) < 15:
        raise Malformed
    capabilities = int.from_bytes(rest[13:15], "little")
    plugin = b""
    if len(rest) >= 31:
        capabilities |= int.from_bytes(rest[18:20], "little") << 16
        salt = max(13, rest[20] - 8)
        plugin = rest[31 + salt :].partition(b"\0")[0] if capabilities & _PLUGIN_AUTH else b""
    return _Hello(_word(version), capabilities, _word(plugin))


def error_of(payload: bytes) -> tuple[int, str]:
    """Return number and message of an error packet. Raises Malformed.

    >>> error_of(b"\\xff\\x10\\x04Too many connections"), error_of(b"\\xff\\x15\\x04#28000Access denied")
    ((1040, 'Too many connections'), (1045, 'Access denied'))
    """
    if len(payload) < 4:
        raise Malformed
    text = payload[9:] if payload[3:4] == b"#" else payload[3:]
    return int.from_bytes(payload[1:3], "little"), " ".join(text[:500].decode("utf-8", "replace").split())


def _word(text: bytes) -> str:
    """Return a word that a stranger wrote, as it may be a label: printable and bounded."""
    return "".join(c if c.isprintable() else "?" for c in text.decode("utf-8", "replace"))[:_LONGEST_WORD]
