"""Which names say that what they name is a secret."""

from __future__ import annotations

import re
from functools import lru_cache

SQL_WORDS = "pass|pwd|secret|token|credential|(api|private|access)_?key|authorization|conninfo|connection_?string|dsn"
"""Part of a name that may hold a secret, as a regular expression of both Python and PostgreSQL: for what is masked by the server."""

_LONGEST = 128

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")

_SECRET_PART = re.compile(
    r"passw(?:or)?d|passwrd|passphrase|passcode|passwort|kennwort|contrase|motdepasse|secret(?!ar)|credential|authtok|"
    r"(?:api|access|private|auth|secret|shared|account|signing|encryption|preshared|master|license)key|mnemonic"
)
_SECRET_END = re.compile(r"(?:^|(?<!by)(?<!com)(?<!sur)(?<!tres)(?<!under)(?<!over))pass$|pwd$|tokens?$|^(?:.*[^aeiou])?pw$|psk$")
_SECRET_WORDS = frozenset(
    ("authorization", "cookie", "cookies", "bearer", "masterauth", "rocommunity", "rwcommunity", "pgpass", "pepper", "clave", "senha")
)
_NO_SECRET = frozenset(("passwordless", "passwords", "secrets", "credentials", "tokens"))
"""Words that mean a thing without one, or many: a list of names more often than a secret. Judged by the value, see `plural`."""

# Who says `key` means a name in a table more often than a secret: the word before decides.
_KEYS = frozenset((
    "api", "access", "private", "secret", "encryption", "encrypt", "signing", "sign", "signature", "master", "auth", "account",
    "shared", "preshared", "storage", "service", "session", "crypto", "crypt", "cipher", "hmac", "aes", "rsa", "symmetric", "jwt",
    "app", "application", "license", "deploy", "wrapping", "unseal", "stream", "webhook", "integration", "routing", "subscription",
    "consumer", "bot", "nonce", "in", "data", "vault", "recovery", "admin", "write", "functions", "host", "openai", "stripe",
    "sendgrid", "mailgun", "datadog", "dd", "newrelic", "client", "decryption", "block", "rails", "wep", "validation", "authentication",
    "otp", "sec", "user", "fernet",
))  # fmt: skip
_SALTS = frozenset(("auth", "password", "secure", "nonce", "in", "hash", "session", "secret", "token", "encryption", "crypto", ""))
_WORDS = frozenset(("salt", "salts", "clave", "senha"))
"""Names that are words of a language, or a command: secrets where they are set, not where they are mentioned."""
_OF_KEYS = frozenset(
    ("encrypt", "encryption", "encrypted", "encrypter", "crypt", "crypto", "cipher", "jwt", "jws", "jwe", "hmac", "signing", "signer")
)

# What follows the secret word and says that only something about the secret is meant.
_ABOUT = frozenset((
    "file", "files", "filename", "path", "paths", "dir", "directory", "folder", "location", "name", "names", "ref", "refs",
    "reference", "selector", "url", "uri", "endpoint", "host", "issuer", "audience", "ttl", "expiry", "expires", "expire",
    "expiration", "expired", "lifetime", "timeout", "age", "policy", "policies", "length", "len", "min", "max", "minimum", "maximum",
    "size", "count", "limit", "type", "types", "kind", "encryption", "encoding", "algorithm", "algorithms", "algo", "method", "methods",
    "mechanism", "format", "scheme", "enabled", "enable", "disabled", "disable", "required", "require", "requires", "optional",
    "allowed", "field", "fields", "column", "columns", "prompt", "header", "headers", "attempts", "retries", "reset", "rotation",
    "rotate", "version", "provider", "providers", "manager", "store", "backend", "engine", "plugin", "module", "command", "cmd",
    "source", "sources", "env", "var", "variable", "rounds", "cost", "iterations", "interval", "period", "window", "history", "reuse",
    "check", "checks", "validation", "validator", "validators", "strength", "quality", "complexity", "authentication", "auth",
    "label", "placeholder", "description", "regex", "pattern", "prefix", "suffix", "index", "status", "state", "changed", "updated",
    "created", "at", "date", "time", "lock", "management", "mode", "bucket", "id", "ids", "keyring", "domain", "secure", "httponly",
    "samesite", "users", "entity", "exchange", "key", "keys", "rate", "per", "used", "usage", "budget", "schema", "table", "class",
    "dialog", "agent", "less", "through", "valid", "digits", "review", "creation", "generator", "mount", "mounts", "volume", "projection",
    "total", "seconds", "validity",
))  # fmt: skip
_OPEN_KEYS = frozenset(("public", "pub", "primary", "foreign", "cache", "host", "sort", "partition", "idempotency", "fingerprint"))
_STILL = {("secret", "id"), ("secret", "key"), ("token", "key"), ("token", "auth")}
_SQL_PASS = frozenset(("proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached", "multi", "first", "second", "single", "two", "one"))


def is_secret(name: str) -> bool:
    """Tell whether the name is that of a secret, in whatever style it is written: `DB_PASSWORD`, `apiKey`, `spring.mail.password`."""
    return _is_secret(name[-_LONGEST:])


@lru_cache(maxsize=512)
def may_be_secret(name: str) -> bool:
    """Tell whether it depends on the value: `key` and the like, which mean a secret where what they name looks like one."""
    words = _words(name[-_LONGEST:])
    return bool(words) and (words[-1] in ("key", "encrypt", "pin") or words[-2:] == ("key", "base")) and _OPEN_KEYS.isdisjoint(words)


def is_pin(name: str) -> bool:
    """Tell whether it is a secret if it is a number of some digits; one or two are those of a plug, or of a version."""
    return _words(name[-_LONGEST:])[-1:] == ("pin",)


def is_word(name: str) -> bool:
    """Tell whether the name says that it is a secret only where it is set to something."""
    return name.lower() in _WORDS


def is_of_keys(name: str) -> bool:
    """Tell whether what is named `key` below such a name is one to encrypt or to sign with."""
    return not _OF_KEYS.isdisjoint(_words(name[-_LONGEST:])[-1:])


def plural(name: str) -> bool:
    """Tell whether the name is that of several secrets, or of how many there are."""
    words = _words(name[-_LONGEST:])
    return bool(words) and words[-1] in _NO_SECRET and words[-1] != "passwordless"


def holds_passwords(name: str) -> bool:
    """Tell whether it is a password, for which nothing is too short or too odd."""
    return any("pass" in word or word.endswith(("pwd", "pw")) for word in _words(name[-_LONGEST:]))


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _PIECE.findall(name))


@lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    words = _words(name)
    last = max((i for i in range(len(words)) if _says_secret(words, i)), default=-1)
    if last < 0:
        return False
    after = words[last + 1 :]
    return not after or after[-1] not in _ABOUT or (words[last], after[-1]) in _STILL


def _says_secret(words: tuple[str, ...], i: int) -> bool:
    word, before = words[i], words[i - 1] if i else ""
    if word == "passwordless":
        return False
    if word == "pass" and before in _SQL_PASS:
        return False
    if word in ("key", "keys"):
        return before in _KEYS
    if word == "seed":
        return before in ("totp", "otp", "mfa")
    if word == "passe":
        return before == "de"
    if word in ("salt", "salts"):
        return before in _SALTS
    if word == "dsn":
        return before in ("sentry", "raven")
    if word == "signature":
        return words[max(0, i - 2) : i] == ("shared", "access")
    return word in _SECRET_WORDS or bool(_SECRET_PART.search(word) or _SECRET_END.search(word))
