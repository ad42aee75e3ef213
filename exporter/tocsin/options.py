"""The words that configuration is written in: option declarations and the value types they may have."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tocsin.errors import SetupError

T = TypeVar("T")


class Secret(str):
    """Text that is never shown: its repr and its format are stars; only `reveal()` gives it."""

    __slots__ = ()

    def reveal(self) -> str:
        return str.__str__(self)

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"


def masked(message: str, secret: str) -> str:
    """Return a message of a server or a library on one line, and stars where it repeats the secret.

    One of less than four characters only where it stands by itself: stars within ordinary words would spell it out.

    >>> masked("connection  refused:\\n password 'two  words'", "two  words"), masked("connection to e", "e")
    ("connection refused: password '***'", 'connection to ***')
    """
    if len(secret) > 3:
        message = message.replace(secret, "***")
    elif secret:
        message = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", message)
    return " ".join(message.split())


class Duration(float):
    """Seconds. Written as `500ms`, `10s`, `5m`, `1h`, `1d`, or a plain number of seconds."""

    __slots__ = ()


class Size(int):
    """Bytes. Written as `512KB`, `64MB`, `1GB` (powers of 1024), or a plain number of bytes."""

    __slots__ = ()


def option(
    default: Any = MISSING, *, help: str, check: Callable[[Any], str | None] | None = None, example: Any = None, key: str = ""
) -> Any:
    """Declare one option of a configuration class.

    Without a default the option is required. `check` returns what was expected when it does not like a
    value. `help` and `example` go into CONFIG.md and into the JSON Schema. `key` is the word in the file
    where the field's name cannot be it.
    """
    metadata = {"help": help, "check": check, "example": example} | ({"key": key} if key else {})
    if isinstance(default, (dict, list)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def read_secret_file(path: Path) -> Secret:
    """Return the file's text without its last line break. Raises SetupError that names the file."""
    try:
        return Secret(path.read_text("utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SetupError(f"cannot read the secret file {path}: {why}") from error


def _is_finite(value: float) -> str | None:
    return None if math.isfinite(value) else "a finite number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Where a signal becomes a warning and where it becomes critical; null switches that level off."""

    warning: float | None = option(None, help="value at which a warning fires; null: never", check=_is_finite)
    critical: float | None = option(None, help="value at which a critical alert fires; null: never", check=_is_finite)


def _are_patterns(patterns: tuple[str, ...]) -> str | None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            return f"regular expressions ({pattern!r}: {error})"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFilter:
    """Which databases of a server are watched; regular expressions that match anywhere in the name."""

    include: tuple[str, ...] = option((".*",), help="databases to watch, as regular expressions", check=_are_patterns)
    exclude: tuple[str, ...] = option(("^template",), help="databases to leave out; stronger than include", check=_are_patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """What every target has; each source adds its own options."""

    name: str = option(
        help="unique name; becomes the `instance` label", check=lambda name: None if name else "at least one character", example="orders"
    )
    kind: str = option(help="the source that watches it", example="postgres")
    collectors: dict[str, bool] = option({}, help="switch collectors on or off by name")
    every: dict[str, Duration] = option(
        {},
        help="the clock of a scheduled collector, by name",
        check=lambda clocks: None if all(clocks.values()) else "clocks of more than 0",
    )
    labels: dict[str, str] = option({}, help="labels that every series of the target carries")
    thresholds: dict[str, Levels] = option({}, help="levels that differ from the defaults, by signal")
    series_limit: int = option(
        100_000, help="most series that one collector may produce; the rest is counted", check=lambda n: None if n > 0 else "1 or more"
    )

    secrets: ClassVar[tuple[str, ...]] = ()

    @property
    def stands_alone(self) -> bool:
        """Whether it is all that is watched: what Tocsin says of it has no `instance` either, Prometheus' own tells who is meant."""
        return False

    @property
    def carries_instance(self) -> bool:
        """Whether what its collectors say bears the target's name as `instance`."""
        return not self.stands_alone

    @property
    def address(self) -> str:
        """Where the target is, without any secret: a label value and a word for messages."""
        raise NotImplementedError

    def places(self) -> tuple[str, ...]:
        """Return where it is reached, each as `host:port` or the path of a socket or a file, to tell whether two targets are the same.

        Raises CollectError when a file that says so cannot be read.
        """
        return (self.address,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions(TargetOptions):
    """What the targets have that are this machine itself: there Prometheus' own `instance`, the exporter's address, is right."""

    own_instance: bool = option(
        False, help="give the series the target's name as `instance`; needed by all but one of several targets of a kind"
    )

    @property
    def carries_instance(self) -> bool:
        return self.own_instance
