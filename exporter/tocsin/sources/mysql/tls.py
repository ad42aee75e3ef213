"""TLS towards a MySQL or MariaDB server: what the options mean, and what to do when the two do not agree."""

from __future__ import annotations

from typing import Any

from tocsin.errors import AuthError, SetupError
from tocsin.sources.mysql.config import Address


def options(server: Address, name: str) -> dict[str, Any]:
    """Return the driver's words for the TLS options. Raises SetupError when a file cannot be used."""
    import ssl  # 2 MB that a socket of the machine itself does not pay

    words = server.ssl
    mode = words.get("mode") or ("verify_identity" if "ca" in words else "required" if "cert" in words else "preferred")
    if mode == "disabled":  # also by a socket, where nobody who configured it knows who listens
        return {"ssl_disabled": True, **_never_in_clear(name)}
    if server.socket:
        return {"ssl_disabled": True}
    if mode == "preferred":
        return _never_in_clear(name)
    verified = mode.startswith("verify")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    try:
        if verified:
            context.load_verify_locations(words["ca"]) if "ca" in words else context.load_default_certs()
        if "cert" in words:
            context.load_cert_chain(words["cert"], words.get("key"))
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"{name}: cannot use the files of ssl_ca, ssl_cert and ssl_key: {error.strerror or error}") from error
    return {"ssl": context} if verified else {"ssl": context, **_never_in_clear(name)}


def _never_in_clear(name: str) -> dict[str, Any]:
    """Return the driver's words to refuse a server that has not shown who it is and asks for the password itself.

    The server chooses how to log in, so that whoever answers in its place could choose this. Left as the servers' own
    clients and the reference exporter have it is the full login of caching_sha2_password and sha256_password: without
    TLS the password goes out encrypted for a key that the server gives (and not at all where the package `cryptography`
    is missing), with TLS as it is. Every MySQL 8 with a certificate of its own making needs that; verify_ca is safe.
    """

    class Refusal:
        def __init__(self, connection: object) -> None:
            pass

        def authenticate(self, _packet: object) -> None:
            raise AuthError(
                f"{name}: the server asks for the password in clear; if it may have it, "
                "say ssl_mode: verify_ca or verify_identity, with ssl_ca where the system does not know the authority",
                lost=True,
            )

    return {"auth_plugin_map": dict.fromkeys(("mysql_clear_password", "dialog"), Refusal)}


_REMEDIES = (
    ("SSL is required", "give the server a certificate (its options ssl_cert and ssl_key), or say ssl_mode: preferred to go without"),
    ("certificate is not valid for", "connect by a name that the server's certificate has, or say ssl_mode: verify_ca"),
    ("certificate has expired", "renew the server's certificate"),
    ("CERTIFICATE_VERIFY_FAILED", "no authority of ssl_ca has signed the server's certificate: give the one that has"),
    ("[SSL", "check ssl_ca, ssl_cert and ssl_key, and which versions of TLS the server allows"),
)
"""What to do by what a failed handshake says, the first that fits."""


def advice(text: str) -> str:
    """Return what to do about a failure to connect that TLS is the cause of; empty for any other."""
    return next((f"; {remedy}" for words, remedy in _REMEDIES if words in text), "")
