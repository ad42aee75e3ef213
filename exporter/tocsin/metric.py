"""What can be said: the declaration of a metric, and the samples that carry its values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

MetricType: TypeAlias = Literal["counter", "gauge", "untyped", "histogram", "summary"]


class Histogram(NamedTuple):
    """The value of a histogram's sample: cumulative counts by upper bound, the last one `+Inf`'s, and the sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


Value: TypeAlias = float | int | bytes | Histogram
"""A sample's value. Bytes are a number that a server sent as text and that leaves as the same text."""

Labels: TypeAlias = tuple[str, ...]
"""Label values, in the order of the metric's declared label names."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric, declared once with its full literal name.

    `type` is served as it stands: a compatibility counter without `_total` keeps its name. `help` is a
    sentence for operators. `unit` is taken from the name's suffix unless given. Equality is identity, so
    that a metric is a cheap dictionary key and two declarations of one name are noticed.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    header: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is not a metric name")
        for label in self.labels:
            if not _LABEL.match(label) or label.startswith("__"):
                raise ValueError(f"{self.name}: {label!r} is not a label name")
        if not self.unit:
            object.__setattr__(self, "unit", _unit_of(self.name))
        escaped = self.help.replace("\\", "\\\\").replace("\n", "\\n")
        header = f"# HELP {self.name} {escaped}\n# TYPE {self.name} {self.type}\n"
        object.__setattr__(self, "header", header.encode())


def _unit_of(name: str) -> str:
    base = name.removesuffix("_total")
    for unit in ("bytes", "seconds", "ratio"):
        if base.endswith(f"_{unit}"):
            return unit
    return "count"


class MetricFamily:
    """Metrics whose names come from the target itself, like `pg_settings_<name>`: one declaration, many names.

    `pattern` matches every name the family may produce; rules and panels are checked against it.
    """

    __slots__ = ("help", "labels", "name", "pattern", "type", "_metrics")

    def __init__(self, name: str, type: MetricType, help: str, pattern: str, labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self.type = type
        self.help = help
        self.labels = labels
        self.pattern = re.compile(pattern)
        self._metrics: dict[str, Metric] = {}

    def metric(self, name: str, help: str) -> Metric:
        """Return the family's metric of that name, the same object each time.

        Raises ValueError for a name outside `pattern`.
        """
        known = self._metrics.get(name)
        if known is None or known.help != help:
            if not self.pattern.fullmatch(name):
                raise ValueError(f"{name!r} does not belong to {self.name}")
            known = self._metrics[name] = Metric(name, self.type, help, self.labels)
        return known

    def owns(self, metric: Metric) -> bool:
        return self._metrics.get(metric.name) is metric


Declared: TypeAlias = Metric | MetricFamily


def counter(name: str, help: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(name, "counter", help, labels, unit)


def gauge(name: str, help: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(name, "gauge", help, labels, unit)


def untyped(name: str, help: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(name, "untyped", help, labels, unit)


def summary(name: str, help: str, labels: tuple[str, ...] = (), unit: str = "") -> tuple[Metric, Metric, Metric]:
    """Declare a summary: its quantiles, its sum and its count. The latter two stand on the page below the first's header."""
    family = Metric(name, "summary", help, (*labels, "quantile"), unit)
    parts = (
        Metric(f"{name}_sum", "summary", f"{help} Sum.", labels, unit),
        Metric(f"{name}_count", "summary", f"{help} Count.", labels, "count"),
    )
    for part in parts:
        object.__setattr__(part, "header", b"")
    return family, *parts


def info(name: str, help: str, labels: tuple[str, ...]) -> Metric:
    """Declare a gauge that is always 1 and says what it has to say in its labels."""
    return Metric(name, "gauge", help, labels, "info")
