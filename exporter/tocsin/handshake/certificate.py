"""What a certificate says, read from its DER as far as people ask: names, dates, who made it.

Read by ourselves, because the standard library tells nothing of a certificate that it was not asked to verify, and the package
`cryptography`, which does, would be one more to install, with a compiled library, for these few fields. https://datatracker.ietf.org/doc/html/rfc5280#section-4.1
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MOST_NAMES = 1000
_LONGEST_PART = 128

_INTEGER, _OCTETS, _OID, _SEQUENCE, _SET = 0x02, 0x04, 0x06, 0x30, 0x31
_EXTENSIONS, _VERSION = 0xA3, 0xA0
_UTC_TIME, _TIME = 0x17, 0x18
_DNS, _IP = 0x82, 0x87
_ALTERNATIVE_NAMES = bytes.fromhex("551d11")

_ATTRIBUTES = {
    "550403": "CN", "550405": "SERIALNUMBER", "550406": "C", "550407": "L", "550408": "ST", "55040a": "O", "55040b": "OU",
    "0992268993f22c640119": "DC", "2a864886f70d010901": "emailAddress",
}  # fmt: skip
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x14: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}

_SPECIAL, _ESCAPED = re.compile(r'[,+"\\<>;]'), r"\\\g<0>"
_WHEN = re.compile(r"(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:Z|([+-])(\d{2})(\d{2}))", re.ASCII)


class Malformed(ValueError):
    """The bytes are no certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate. Names are printable and bounded, times are Unix times."""

    subject: str
    issuer: str
    serial: str
    not_before: float
    not_after: float
    names: tuple[str, ...]
    """DNS names and IP addresses that it is for."""
    fingerprint: str
    is_self_issued: bool
    """Whether its issuer is its subject."""


def read(der: bytes) -> Certificate:
    """Return what a certificate says. Raises Malformed."""
    try:
        return _read(memoryview(der))
    except (IndexError, ValueError, OverflowError) as error:
        raise Malformed(f"not a certificate: {error}") from error


def _read(der: memoryview) -> Certificate:
    outer, rest = _take(der, _SEQUENCE)
    if rest:
        raise Malformed("something follows it")
    body, _ = _take(outer, _SEQUENCE)
    if body[0] == _VERSION:
        _, body = _take(body)
    serial, body = _take(body, _INTEGER)
    _, body = _take(body, _SEQUENCE)
    issuer, body = _take(body, _SEQUENCE)
    validity, body = _take(body, _SEQUENCE)
    subject, body = _take(body, _SEQUENCE)
    _, body = _take(body, _SEQUENCE)  # the key
    names: tuple[str, ...] = ()
    while body:
        tag = body[0]
        value, body = _take(body)
        if tag == _EXTENSIONS:
            names = _alternative_names(value)
    not_before, validity = _when(validity)
    not_after, _ = _when(validity)
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        serial=serial.hex()[:64].removeprefix("00") or "00",
        not_before=not_before,
        not_after=not_after,
        names=names,
        fingerprint=hashlib.sha256(der).hexdigest(),
        is_self_issued=issuer == subject,
    )


def _take(data: memoryview, wanted: int | None = None) -> tuple[memoryview, memoryview]:
    """Return the first element's content and what comes after it, without copying. Raises Malformed for another tag than the wanted."""
    if len(data) < 2 or (wanted is not None and data[0] != wanted):
        raise Malformed("an element is missing or of another type")
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        if size == 0x80 or start > 6:
            raise Malformed("a length that cannot be")
        size = int.from_bytes(data[2:start], "big")
    if start + size > len(data):
        raise Malformed("it ends before its time")
    return data[start : start + size], data[start + size :]


def _name(data: memoryview) -> str:
    """Return a distinguished name as RFC 4514 writes it, the most specific part first."""
    parts = []
    while data:
        relative, data = _take(data, _SET)
        several = []
        while relative:
            pair, relative = _take(relative, _SEQUENCE)
            oid, value = _take(pair, _OID)
            key = _ATTRIBUTES.get(oid.hex()) or f"OID.{oid.hex()}"[:40]
            several.append(f"{key}={_SPECIAL.sub(_ESCAPED, _text(value[0], _take(value)[0]))}")
        parts.append("+".join(several))
    return ",".join(reversed(parts))[: 4 * _LONGEST_PART]


def _text(tag: int, content: memoryview) -> str:
    return _plain(bytes(content[: 4 * _LONGEST_PART]).decode(_ENCODINGS.get(tag, "latin-1"), "replace"))


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:_LONGEST_PART]


def _when(data: memoryview) -> tuple[float, memoryview]:
    """Return a moment and what comes after it."""
    tag = data[0]
    content, rest = _take(data)
    match = _WHEN.fullmatch(bytes(content).decode("ascii", "replace"))
    if tag not in (_UTC_TIME, _TIME) or match is None or len(match[1]) != (2 if tag == _UTC_TIME else 4):
        raise Malformed("a date that is none")
    year = int(match[1])
    if tag == _UTC_TIME:
        year += 1900 if year >= 50 else 2000
    moment = datetime(year, int(match[2]), int(match[3]), int(match[4]), int(match[5]), int(match[6] or 0), tzinfo=UTC)
    if match[7]:
        moment -= timedelta(hours=int(match[8]), minutes=int(match[9])) * (1 if match[7] == "+" else -1)
    return moment.timestamp(), rest


def _alternative_names(data: memoryview) -> tuple[str, ...]:
    """Return the DNS names and IP addresses among the extensions."""
    extensions, _ = _take(data, _SEQUENCE)
    found: list[str] = []
    while extensions:
        extension, extensions = _take(extensions, _SEQUENCE)
        oid, value = _take(extension, _OID)
        if oid != _ALTERNATIVE_NAMES:
            continue
        while value and value[0] != _OCTETS:  # whether it is critical
            _, value = _take(value)
        names, _ = _take(_take(value, _OCTETS)[0], _SEQUENCE)
        while names and len(found) < _MOST_NAMES:
            tag = names[0]
            content, names = _take(names)
            if tag == _DNS:
                found.append(_plain(bytes(content[: 4 * _LONGEST_PART]).decode("ascii", "replace")))
            elif tag == _IP and len(content) in (4, 16):
                found.append(str(ipaddress.ip_address(bytes(content))))
    return tuple(found)
