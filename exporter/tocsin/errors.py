"""Everything that can go wrong, as a tree.

TocsinError
├── ConfigError          the configuration has mistakes; carries all of them
├── JournalError         the journal cannot be read or written
├── ProbeError           /probe was asked for what it cannot or may not do; carries the HTTP status
├── Unsupported          this server version lacks the feature: not a failure, no sample
└── CollectError         a run failed; its `reason` is the label value
    ├── ConnectError     connect      nobody answers, or the connection broke
    ├── AuthError        auth         the target refuses the user or the password
    ├── DeadlineError    timeout      no answer within the deadline
    ├── PrivilegeError   permission   the role or the process may not read the object
    ├── LockedError      locked       somebody holds a lock that we will not wait for
    ├── SetupError       config       the target is there, but not as the configuration says
    └── InternalError    internal     a mistake of ours

A message names the object and what to do, and never holds a secret.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias, get_args

Reason: TypeAlias = Literal["connect", "auth", "timeout", "permission", "locked", "config", "internal"]
REASONS: tuple[str, ...] = get_args(Reason)


class TocsinError(Exception):
    """Base of all errors that Tocsin raises on purpose."""


class ConfigError(TocsinError):
    """The configuration has mistakes: one message each, with file, line, path and what was expected."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class ProbeError(TocsinError):
    """A request to /probe that cannot be served; the message does not repeat the target, which may hold a secret."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class JournalError(TocsinError):
    """The journal cannot be read or written."""


class Unsupported(TocsinError):
    """The server is too old or too new for the feature: no sample, and no failure."""


class CollectError(TocsinError):
    """A run failed. `lost` tells that the session is of no further use."""

    reason: ClassVar[Reason]

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


class ConnectError(CollectError):
    reason = "connect"


class AuthError(CollectError):
    reason = "auth"


class DeadlineError(CollectError):
    reason = "timeout"


class PrivilegeError(CollectError):
    reason = "permission"


class LockedError(CollectError):
    reason = "locked"


class SetupError(CollectError):
    reason = "config"


class InternalError(CollectError):
    reason = "internal"
