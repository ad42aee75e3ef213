"""Whether a certificate is one that a careful client would accept, told by OpenSSL itself.

OpenSSL verifies a chain only where a handshake brings it, and the standard library has no other door to it. So the certificates
that were fetched are brought by a handshake that is played in memory: our client's first message is answered with a server's
first two, made here, of TLS 1.2, where the certificates follow at once and before anything that would need their key. What
the client then makes of them is the verdict that libpq and the clients of MySQL come to, in OpenSSL's own words.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tocsin.errors import SetupError

_SUITE = bytes.fromhex("c02f")  # ECDHE-RSA-AES128-GCM-SHA256, which every client offers
_SECURE_RENEGOTIATION = bytes.fromhex("0005ff01000100")
_RECORD = 16384
_GOOD_BUT_NOT_OF_THE_SUITE = ("WRONG_CERTIFICATE_TYPE", "UNKNOWN_CERTIFICATE_TYPE")
"""What is said of a key that is not RSA, once its certificate has been verified."""

_REASONS = {
    9: "not_yet_valid", 10: "expired", 18: "self_signed", 19: "unknown_authority", 2: "unknown_authority", 20: "unknown_authority",
    21: "unknown_authority", 23: "revoked", 66: "weak", 67: "weak", 68: "weak",
}  # fmt: skip
"""https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"""
REASONS = (*dict.fromkeys(_REASONS.values()), "invalid")

_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH = 62, 64


class Verdict(NamedTuple):
    """Why a chain is not to be trusted, from the closed set and in words; both empty for one that is."""

    reason: str = ""
    words: str = ""


def verify(chain: tuple[bytes, ...], ca_file: Path | None) -> Verdict:
    """Tell whether an authority of the file, or without one of those that the system knows, has signed the first certificate.

    The others are what may lie in between. Raises SetupError for a file that cannot be used.
    """
    context = _trusting_the_system(_stamp()) if ca_file is None else _trusting(ca_file)
    heard = _play(chain, context, None)
    return heard if isinstance(heard, Verdict) else Verdict(_REASONS.get(heard.verify_code, "invalid"), heard.verify_message)


def is_for(leaf: bytes, name: str) -> bool:
    """Tell whether a certificate is for that host name or IP address, whoever has signed it. False where it cannot be read."""
    context = _context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # so that it may vouch for itself
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.check_hostname = True
    try:
        context.load_verify_locations(cadata=leaf)
        heard = _play((leaf,), context, name)
    except (ssl.SSLError, ValueError, TypeError):  # no certificate, or no name that one could be for
        return False
    if isinstance(heard, Verdict):
        return not heard.reason
    return heard.verify_code not in (_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    context = _context()
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:  # OpenSSL's errors are such too
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise SetupError(f"cannot use {ca_file} as certificates of authorities: {why}") from error
    return context


@lru_cache(maxsize=1)
def _trusting_the_system(_stamp: object) -> ssl.SSLContext:
    """Return a context with the system's authorities, read anew when they have changed: it takes 50 ms, everything else here one."""
    context = _context()
    context.load_default_certs()
    return context


def _stamp() -> object:
    """Return what changes with the system's authorities."""
    paths = ssl.get_default_verify_paths()
    found = []
    for path in (paths.cafile, paths.capath):
        with suppress(OSError, TypeError):
            found.append(Path(path).stat().st_mtime_ns)
    return tuple(found)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _play(chain: tuple[bytes, ...], context: ssl.SSLContext, name: str | None) -> Verdict | ssl.SSLCertVerificationError:
    """Return what a client makes of the certificates: that it trusts them, or OpenSSL's error."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        for data in (b"", _server_says(chain)):
            incoming.write(data)
            try:
                client.do_handshake()
            except ssl.SSLWantReadError:
                continue  # of the second message: it goes on, for nothing was wrong
    except ssl.SSLCertVerificationError as error:
        return error
    except ssl.SSLError as error:
        return Verdict() if error.reason in _GOOD_BUT_NOT_OF_THE_SUITE else Verdict("invalid", (error.reason or str(error)).lower())
    return Verdict()


def _server_says(chain: tuple[bytes, ...]) -> bytes:
    """Return a server's hello and its certificates: https://datatracker.ietf.org/doc/html/rfc5246#section-7.4"""
    hello = b"\x03\x03" + bytes(32) + b"\0" + _SUITE + b"\0" + _SECURE_RENEGOTIATION
    certificates = b"".join(_sized(one) for one in chain)
    messages = b"\x02" + _sized(hello) + b"\x0b" + _sized(_sized(certificates))
    pieces = (messages[at : at + _RECORD] for at in range(0, len(messages), _RECORD))
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data
