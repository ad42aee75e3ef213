"""The series of a server's certificate, the same whichever source has fetched it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tocsin.errors import SetupError
from tocsin.handshake.certificate import Certificate, Malformed, read
from tocsin.handshake.greeting import Tls
from tocsin.handshake.verify import REASONS, is_for, verify
from tocsin.metric import gauge, info
from tocsin.source import Run, Threshold

CERTIFICATE_EVERY = 300.0
"""Seconds from one look at a certificate to the next."""

NOT_AFTER = gauge("tocsin_tls_certificate_not_after_timestamp_seconds", "Unix time at which the server's certificate ends.")
CHAIN_NOT_AFTER = gauge(
    "tocsin_tls_chain_not_after_timestamp_seconds",
    "Unix time at which the server's certificate ends, or one before it that the server sends to link it with an authority.",
)
NOT_BEFORE = gauge("tocsin_tls_certificate_not_before_timestamp_seconds", "Unix time from which the server's certificate is valid.")
CERTIFICATE_INFO = info(
    "tocsin_tls_certificate_info",
    "The server's certificate: whose it is, who made it, the first ten names and addresses that it is for, and its SHA-256.",
    ("subject", "issuer", "names", "serial", "fingerprint_sha256"),
)
SELF_SIGNED = gauge("tocsin_tls_certificate_self_signed", "Whether the server's certificate names itself as its issuer.")
NAME_MATCHES = gauge(
    "tocsin_tls_certificate_name_matches", "Whether the server's certificate is for the name by which the target is reached.", ("name",)
)
VERIFIED = gauge(
    "tocsin_tls_certificate_verified",
    "Whether an authority that is trusted has signed the server's certificate and it is valid now; `configured` are those of a file "
    "that the configuration names, `system` those that the exporter's machine knows.",
    ("authorities",),
)
UNVERIFIED = info(
    "tocsin_tls_certificate_unverified",
    f"Why the server's certificate is not to be trusted, present only then: {', '.join(REASONS)}.",
    ("authorities", "reason"),
)
SESSION = info("tocsin_tls_session_info", "Version of TLS and cipher suite that the server chose.", ("version", "cipher"))
CERTIFICATE_METRICS = (NOT_AFTER, CHAIN_NOT_AFTER, NOT_BEFORE, CERTIFICATE_INFO, SELF_SIGNED, NAME_MATCHES, VERIFIED, UNVERIFIED, SESSION)

CERTIFICATE_REMAINING = Threshold(
    "certificate_remaining_seconds", "Time until the server's certificate ends.", "seconds", 21 * 86400.0, 7 * 86400.0
)

_MOST_NAMES = 10
_LONGEST_NAMES = 500
_MOST_LINKS = 10


def emit_certificate(run: Run, target: str, tls: Tls, name: str, ca_file: Path | None) -> None:
    """Turn what a server showed into the run's samples. `name` is what its certificate should be for, empty where there is none.

    Raises SetupError for a certificate that cannot be read and for a file of authorities that cannot be used.
    """
    if not tls.chain:
        raise SetupError(f"{target}: the server has begun TLS without a certificate; give it one")
    try:
        leaf = read(tls.chain[0])
    except Malformed as error:
        raise SetupError(f"{target}: the server's certificate cannot be read: {error}; make it anew") from error
    try:
        verdict = verify(tls.chain, ca_file)
    except SetupError as error:
        raise SetupError(f"{target}: {error}; name a file with certificates in PEM format") from error
    authorities = "system" if ca_file is None else "configured"
    run.emit(NOT_AFTER, leaf.not_after)
    run.emit(CHAIN_NOT_AFTER, min(one.not_after for one in (leaf, *_links(leaf, tls.chain[1:]))))
    run.emit(NOT_BEFORE, leaf.not_before)
    run.emit(CERTIFICATE_INFO, 1, (leaf.subject, leaf.issuer, _shown(leaf.names), leaf.serial, leaf.fingerprint))
    run.emit(SELF_SIGNED, int(leaf.is_self_issued))
    if name:
        run.emit(NAME_MATCHES, int(is_for(tls.chain[0], name)), (name,))
    run.emit(VERIFIED, int(not verdict.reason), (authorities,))
    if verdict.reason:
        run.emit(UNVERIFIED, 1, (authorities, verdict.reason))
    run.emit(SESSION, 1, (tls.version, tls.cipher))


def _links(leaf: Certificate, others: tuple[bytes, ...]) -> Iterator[Certificate]:
    """Yield the certificates that link the first with an authority, as far as the server sends them."""
    above = leaf
    for der in others[:_MOST_LINKS]:
        try:
            one = read(der)
        except Malformed:
            continue
        if one.subject == above.issuer and not one.is_self_issued:
            above = one
            yield one


def _shown(names: tuple[str, ...]) -> str:
    """Return names as a label: the first ten, and how many more there are."""
    text = ", ".join(names[:_MOST_NAMES])[:_LONGEST_NAMES]
    return f"{text} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else text
