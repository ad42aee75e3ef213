"""The queries.yaml of postgres_exporter (`--extend.query-path`): what it says, and the series that it makes of rows.

A value is a number, a boolean or a time; text becomes one only by its usage. NULL is no sample, where postgres_exporter has NaN.
https://github.com/prometheus-community/postgres_exporter/blob/v0.15.0/README.md#adding-new-metrics-via-a-config-file
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from tocsin.errors import SetupError
from tocsin.metric import Histogram, Metric, MetricType, Value
from tocsin.options import Duration, option
from tocsin.source import Collector, Run
from tocsin.sql import FileQuery, OwnAsk, Query, Result, is_number

_TYPES: dict[str, MetricType] = {
    "COUNTER": "counter", "GAUGE": "gauge", "MAPPEDMETRIC": "gauge", "DURATION": "gauge", "HISTOGRAM": "histogram",
}  # fmt: skip
USAGES = ("LABEL", *_TYPES, "DISCARD")
_PARTS = ("_bucket", "_sum", "_count")
_DURATION = re.compile(rb"(?:(\d+(?:\.\d+)?)(ns|us|ms|s|m|h))")
_MILLISECONDS = {b"ns": 1e-6, b"us": 1e-3, b"ms": 1.0, b"s": 1e3, b"m": 6e4, b"h": 3.6e6}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterColumn:
    usage: str = option(help="what the column is", check=lambda u: None if u in USAGES else f"one of {', '.join(USAGES)}")
    description: str = option("", help="help of the series")
    metric_mapping: dict[str, float] = option({}, help="numbers for words, with MAPPEDMETRIC")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterEntry:
    query: str = option(help="the SQL")
    metrics: tuple[dict[str, ExporterColumn], ...] = option(help="its columns")
    master: bool = option(False, help="only in the database of the connection string, where ours always run")
    cache_seconds: Duration = option(Duration(0), help="how long an answer is served again")
    runonserver: str = option(
        "", help="range of server versions", check=lambda r: "no runonserver: Tocsin's own format has SQL by version" if r else None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterQuery(FileQuery):
    """A query of that format. Its series carry `server`, as postgres_exporter puts it on them."""

    columns: dict[str, ExporterColumn]

    def collector(self, version_parts: tuple[int, ...]) -> Collector:
        metrics = {column: self._metric(column) for column, c in self.columns.items() if c.usage in _TYPES}
        query = Query(self.name, self.sql.numbered(version_parts), metrics, most=self.rows)

        def emit(session: Any, run: Run, result: Result) -> None:
            self._check_columns(result.columns)
            places = {column: index for index, column in enumerate(result.columns)}
            rows = iter(result.rows)
            for row in islice(rows, self.rows):
                labels = [str(row[places[label]] or b"", "utf-8", "replace") for label in self.labels]
                for column, metric in metrics.items():
                    run.emit(metric, self._value(column, row, places), (*labels, *[session.address] * (len(metric.labels) - len(labels))))
            run.dropped += (sum(1 for _ in rows) + result.left_out) * len(metrics)

        return self.collector_of(tuple(metrics.values()), OwnAsk(query, emit, self.everywhere, self.place))

    def series(self) -> dict[str, str]:
        """Return the name of the series of each column that has one."""
        suffixes = {"DURATION": "_milliseconds"}
        return {column: f"{self.name}_{column}{suffixes.get(c.usage, '')}" for column, c in self.columns.items() if c.usage in _TYPES}

    def _metric(self, column: str) -> Metric:
        labels = self.labels if "server" in self.labels else (*self.labels, "server")
        return Metric(self.series()[column], _TYPES[self.columns[column].usage], self.columns[column].description, labels)

    def _check_columns(self, found: Sequence[str]) -> None:
        histograms = [column for column, c in self.columns.items() if c.usage == "HISTOGRAM"]
        needed = [column for column, c in self.columns.items() if c.usage != "DISCARD"]
        needed += [column + part for column in histograms for part in _PARTS]
        missing = [column for column in needed if column not in found]
        if missing:
            raise SetupError(f"the result has no column {', '.join(missing)}")
        unknown = [column for column in found if column not in needed and column not in self.columns]
        if unknown:
            raise SetupError(f"nobody asked for the column {', '.join(unknown)}; give it a usage, DISCARD to leave it out")

    def _value(self, column: str, row: Sequence[bytes | None], places: dict[str, int]) -> Value | None:
        """Return the value of a column. Raises SetupError when it is none."""
        text, usage = row[places[column]], self.columns[column].usage
        if text is None:
            return None
        if usage == "MAPPEDMETRIC":
            return self.columns[column].metric_mapping.get(text.decode("utf-8", "replace"))
        if usage == "DURATION":
            parts = _DURATION.findall(text)
            if text == b"-1" or not parts or b"".join(n + unit for n, unit in parts) != text:
                return None
            return int(sum(float(n) * _MILLISECONDS[unit] for n, unit in parts))
        if usage == "HISTOGRAM":
            return self._histogram(column, text, [row[places[column + part]] for part in _PARTS])
        found = _number(text)
        if found is None:
            raise SetupError(f"column {column} is {text[:40]!r}, not a number; cast it in the SQL")
        return found

    @staticmethod
    def _histogram(column: str, text: bytes, parts: list[bytes | None]) -> Histogram | None:
        buckets, total, count = parts
        if buckets is None or total is None or count is None:
            return None
        try:
            bounds, counts = (tuple(float(n) for n in array.strip(b"{}").split(b",") if n) for array in (text, buckets))
            found = [int(n) for n in counts[: len(bounds)]]
            return Histogram(bounds, (*found, int(count)), float(total))
        except ValueError:
            raise SetupError(f"column {column}: the buckets, their sum and their count are not numbers") from None


def _number(text: bytes) -> Value | None:
    """Return a number, a boolean as 1 or 0, a time as seconds since 1970; None for anything else."""
    if is_number(text):
        return text
    if text in (b"t", b"f"):
        return int(text == b"t")
    try:
        when = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
