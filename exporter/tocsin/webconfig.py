"""TLS and basic authentication, from the web configuration file that all Prometheus exporters share.

Format: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md. The file is
looked at for every connection, so a renewed certificate or a changed password needs no restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import ssl
import threading
from pathlib import Path
from typing import Any

import yaml

from tocsin.errors import ConfigError

_TLS_KEYS = {"cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version", "max_version", "cipher_suites"}
_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_OPTIONAL,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAnyClientCert": ssl.CERT_REQUIRED,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
# Somebody who guesses names must wait as long as somebody who guesses passwords.
_NOBODY = b"$2b$10$CwTycUXWue0Thq9StjUM0uJ8Xr2ZKp0VXyxIDRWdv4MKhBFmQ5t6W"


class WebConfig:
    """The web configuration file. Raises ConfigError at construction when it is wrong; later the last good one stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[Any, ...] = ()
        self._verified: set[bytes] = set()
        self._salt = os.urandom(16)
        self._load()

    def _load(self) -> None:
        try:
            data = yaml.safe_load(self.path.read_text("utf-8")) or {}
        except OSError as error:
            raise ConfigError([f"{self.path}: cannot be read: {error.strerror}"]) from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            # The error's own text would show the lines around, and password hashes in them.
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise ConfigError([f"{self.path}:{line}: not YAML: {getattr(error, 'problem', None) or 'not text'}"]) from error
        if not isinstance(data, dict):
            raise ConfigError([f"{self.path}: expected options"])
        tls, users = data.get("tls_server_config") or {}, data.get("basic_auth_users") or {}
        for key, value in (("tls_server_config", tls), ("basic_auth_users", users)):
            if not isinstance(value, dict):
                raise ConfigError([f"{self.path}: {key}: expected options"])
        mistakes = [f"{self.path}: {key}: not supported" for key in data if key not in ("tls_server_config", "basic_auth_users")]
        mistakes += [f"{self.path}: tls_server_config.{key}: not supported" for key in tls if key not in _TLS_KEYS]
        mistakes += [
            f"{self.path}: basic_auth_users.{u}: expected a bcrypt hash" for u, h in users.items() if not _BCRYPT.fullmatch(str(h))
        ]
        if mistakes:
            raise ConfigError(mistakes)
        self.context = self._tls(tls) if tls else None
        self.users = {str(name): str(hashed).encode() for name, hashed in users.items()}
        self._verified = set()
        self._files = [self.path, *(self.path.parent / tls[k] for k in ("cert_file", "key_file", "client_ca_file") if k in tls)]
        self._seen = self._stamp()

    def _stamp(self) -> tuple[Any, ...]:
        return tuple((f.stat().st_mtime_ns, f.stat().st_ino) if f.exists() else None for f in self._files)

    def _tls(self, tls: dict[str, Any]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = self.path.parent
        try:
            context.minimum_version = _VERSIONS[tls.get("min_version", "TLS12")]
            context.maximum_version = _VERSIONS[tls.get("max_version", "TLS13")]
            context.load_cert_chain(folder / tls["cert_file"], folder / tls["key_file"])
            if tls.get("client_ca_file"):
                context.load_verify_locations(folder / tls["client_ca_file"])
            context.verify_mode = _CLIENT_AUTH[tls.get("client_auth_type", "NoClientCert")]
            if tls.get("cipher_suites"):
                context.set_ciphers(":".join(c.removeprefix("TLS_").replace("_", "-") for c in tls["cipher_suites"]))
        except (OSError, KeyError, ssl.SSLError) as error:
            raise ConfigError([f"{self.path}: tls_server_config: {error}"]) from error
        return context

    def refresh(self) -> ConfigError | None:
        """Load the file again if it, or a file it names, changed; return what is wrong with it now."""
        with self._lock:
            try:
                if self._stamp() != self._seen:
                    self._load()
            except ConfigError as error:
                return error
        return None

    def authorised(self, header: str | None) -> bool:
        """Tell whether an Authorization header names a user with the right password. True where there are no users."""
        if not self.users:
            return True
        try:
            kind, _, encoded = (header or "").partition(" ")
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False  # not base64, or not text in it
        if kind.lower() != "basic":
            return False
        hashed = self.users.get(name, _NOBODY)
        # bcrypt is slow on purpose; a pair that was right once is remembered as a keyed hash, never as text.
        key = hmac.digest(self._salt, hashlib.sha256(name.encode() + b"\0" + password.encode() + hashed).digest(), "sha256")
        if key in self._verified:
            return True
        import bcrypt

        good = bcrypt.checkpw(password.encode()[:72], hashed) and name in self.users
        if good:
            self._verified.add(key)
        return good
