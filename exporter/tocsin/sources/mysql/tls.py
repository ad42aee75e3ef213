"""TLS towards a MySQL or MariaDB server: what the options mean, and what to do when the two do not agree."""

from __future__ import annotations

from typing import Any

from tocsin.errors import SetupError
from tocsin.sources.mysql.config import Address


def options(server: Address, name: str) -> dict[str, Any]:
    """Return the driver's words for the TLS options. Raises SetupError when a file cannot be used."""
    import ssl  # 2 MB that a socket of the machine itself does not pay

    words = server.ssl
    mode = words.get("mode") or ("verify_identity" if "ca" in words else "required" if "cert" in words else "preferred")
    if mode == "disabled" or server.socket:
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
    try:
        if mode.startswith("verify"):
            context.load_verify_locations(words["ca"]) if "ca" in words else context.load_default_certs()
        if "cert" in words:
            context.load_cert_chain(words["cert"], words.get("key"))
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"{name}: cannot use the files of ssl_ca, ssl_cert and ssl_key: {error.strerror or error}") from error
    return {"ssl": context}


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
