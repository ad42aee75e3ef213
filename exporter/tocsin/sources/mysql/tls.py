"""TLS towards a MySQL or MariaDB server: what the options mean, and what to do when the two do not agree."""

from __future__ import annotations

from typing import Any

from tocsin.errors import SetupError
from tocsin.sources.mysql import login
from tocsin.sources.mysql.config import GUARDED, Address


def options(server: Address, name: str) -> dict[str, Any]:
    """Return the driver's words for the TLS options, and for the logins that are refused with them. Raises SetupError for a bad file."""
    import ssl  # 2 MB that a socket of the machine itself does not pay

    words = server.ssl
    mode = words.get("mode") or ("verify_identity" if "ca" in words else "required" if "cert" in words else "preferred")
    full = mode != GUARDED
    if mode == "disabled":  # also by a socket, where nobody who configured it knows who listens
        return {"ssl_disabled": True, **login.words(name, proves=False, full=full)}
    if server.socket:
        return {"ssl_disabled": True, **login.words(name, proves=True, full=True)}
    if mode == "preferred" or (mode == GUARDED and "cert" not in words):
        return login.words(name, proves=False, full=full)
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
    return {"ssl": context, **login.words(name, proves=verified, full=full)}


_REMEDIES = (
    ("SSL is required", "give the server a certificate (its options ssl_cert and ssl_key), or say ssl_mode: preferred to go without"),
    ("certificate is not valid for", "connect by a name that the server's certificate has, or say ssl_mode: verify_ca"),
    ("certificate has expired", "renew the server's certificate"),
    ("CERTIFICATE_VERIFY_FAILED", "no authority of ssl_ca has signed the server's certificate: give the one that has"),
    ("'cryptography' package", "this account's login wants TLS: give the server a certificate, or the exporter's Python that package"),
    ("'pynacl' package", "this account's login wants that package in the exporter's Python"),
    ("[SSL", "check ssl_ca, ssl_cert and ssl_key, and which versions of TLS the server allows"),
)
"""What to do by what a failed handshake says, the first that fits."""


def advice(text: str) -> str:
    """Return what to do about a failure to connect that TLS is the cause of; empty for any other."""
    return next((f"; {remedy}" for words, remedy in _REMEDIES if words in text), "")
