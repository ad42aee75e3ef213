"""A query: SQL and what its columns mean. No code; a user's own queries have the same format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, cast

from tocsin.errors import SetupError, Unsupported
from tocsin.metric import Metric, MetricType
from tocsin.options import Duration, option
from tocsin.source import Collector, Run

_TYPES = ("gauge", "counter", "untyped")
# Stricter than Python's float(), which takes `1_0` and white space: Prometheus refuses the page for either.
_NUMBER = re.compile(rb"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?Inf(inity)?|NaN", re.IGNORECASE)
_TAKEN = ("up", "ALERTS", "ALERTS_FOR_STATE")
_TAKEN_LABELS = ("instance", "job", "le", "quantile")
_RESERVED = ("pg_", "mysql_", "sqlite_", "duckdb_", "tocsin_", "process_", "container_", "node_", "probe_", "scrape_")


def _is_free_name(name: str) -> str | None:
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name):
        return "a metric name: letters, digits, _ and :"
    taken = name in _TAKEN or name.startswith(_RESERVED)
    return f"a name that is not {', '.join(_TAKEN)} and does not begin with {', '.join(_RESERVED)}" if taken else None


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """SQL by the lowest server version that understands it, newest first, and the meaning of its columns.

    Every result column is either a label, named as the metrics' label, or the value of one metric. An
    unknown or a missing column is an error. SQL NULL in a value column means no sample, in a label
    column the empty string. Values must come as numbers: casts (booleans, timestamps) belong in the SQL.
    """

    name: str
    sql: tuple[tuple[int, str], ...]
    values: dict[str, Metric]
    extension: str | None = None
    """Extension that the query reads; `{schema}` in the SQL stands for where it is installed."""

    def for_version(self, version: int) -> str:
        """Return the SQL for a server of that version. Raises Unsupported when it is older than all of them."""
        for lowest, text in self.sql:
            if version >= lowest:
                return text
        raise Unsupported(f"{self.name} needs server version {self.sql[-1][0]}, this one is {version}")


class Result(NamedTuple):
    """What a server answered: column names, and rows of text as it sent them (None for SQL NULL)."""

    columns: Sequence[str]
    rows: Iterable[Sequence[bytes | None]]


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A collector's function that is one query, so that a session can send it ahead with all the others.

    `emit(session, run, result)` turns the answer into samples where the declared columns do not suffice.
    """

    query: Query
    emit: Callable[[Any, Run, Result], None] | None = None
    everywhere: bool = False
    """Asked in each watched database, not only in the one that the session is connected to."""

    def __call__(self, session: Any, run: Run) -> None:
        answers: Iterable[Result] = session.answers(run) if self.everywhere else [session.answer(run)]
        for result in answers:
            if self.emit is None:
                emit_rows(self.query, run, result.columns, result.rows)
            else:
                self.emit(session, run, result)


def _are_labels(names: tuple[str, ...]) -> str | None:
    good = all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", n) and not n.startswith("__") and n not in _TAKEN_LABELS for n in names)
    return None if good and len(set(names)) == len(names) else f"label names, each once, none of {', '.join(_TAKEN_LABELS)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMetric:
    """What a column of an own query is worth to Prometheus."""

    name: str = option(help="name of the series, in full; it must not be one of Tocsin's", check=_is_free_name, example="shop_orders")
    help: str = option(help="a sentence for operators")
    type: str = option("gauge", help="gauge, counter or untyped", check=lambda t: None if t in _TYPES else " or ".join(_TYPES))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnQuery:
    """A query of the user's own, in the words of the built-in ones."""

    name: str = option(help="name of the collector", check=lambda n: None if re.fullmatch(r"[a-z][a-z0-9_]*", n) else "a-z, 0-9 and _")
    sql: str = option(help="one statement that reads; each column is a label or the value of a metric")
    labels: tuple[str, ...] = option((), help="columns that are labels", check=_are_labels)
    metrics: dict[str, OwnMetric] = option(help="value columns, and the metrics they become")
    every: Duration | None = option(None, help="its own clock; without one it is asked when scraped")
    timeout: Duration = option(Duration(5), help="longest time that a scheduled run may take")
    rows: int = option(1000, help="most rows that are taken; the others are counted as dropped series")


def own_collector(own: OwnQuery) -> Collector:
    """Return the collector of a user's own query."""
    values = {column: Metric(m.name, cast(MetricType, m.type), m.help, own.labels) for column, m in own.metrics.items()}
    query = Query(own.name, ((0, own.sql),), values)

    def emit(_session: Any, run: Run, result: Result) -> None:
        rows = iter(result.rows)
        emit_rows(query, run, result.columns, (_checked(query, result.columns, row) for row in islice(rows, own.rows)))
        run.dropped += sum(1 for _ in rows) * len(values)

    return Collector(own.name, "a query of your own", tuple(values.values()), Ask(query, emit), every=own.every, timeout=own.timeout)


def _checked(query: Query, columns: Sequence[str], row: Sequence[bytes | None]) -> Sequence[bytes | None]:
    """Return the row if its values are numbers: anything else would spoil the whole page. Raises SetupError."""
    for column, value in zip(columns, row, strict=True):
        if column in query.values and value is not None and not _NUMBER.fullmatch(value):
            raise SetupError(f"query {query.name}: column {column} is {value[:40]!r}, not a number; cast it in the SQL")
    return row


def emit_rows(query: Query, run: Run, columns: Sequence[str], rows: Iterable[Sequence[bytes | None]]) -> None:
    """Turn result rows, as the text that the server sent, into samples of the run.

    The label values of a row are decoded once and shared by all its samples, and numbers stay text: this
    is what makes a page of 50,000 series cheap. Raises SetupError when the columns are not those declared.
    """
    label_columns, value_columns = _plan(query, columns)
    targets = [(index, run.open_family(metric), order) for index, metric, order in value_columns]
    decoded: dict[bytes | None, str] = {None: ""}
    series, dropped, limit = run.series, 0, run.limit
    for row in rows:
        names = []
        for index in label_columns:
            cell = row[index]
            text = decoded.get(cell)
            if text is None:
                text = decoded[cell] = str(cell or b"", "utf-8", "replace")
            names.append(text)
        labels = tuple(names)
        for index, family, order in targets:
            value = row[index]
            if value is None:
                continue
            own = labels if order is None else tuple([labels[i] for i in order])
            if own in family or series >= limit:
                dropped += 1
            else:
                family[own] = value
                series += 1
    run.series = series
    run.dropped += dropped


def _plan(query: Query, columns: Sequence[str]) -> tuple[list[int], list[tuple[int, Metric, tuple[int, ...] | None]]]:
    """Match columns with metrics and labels, exactly.

    Returns the label columns' indexes, and for each value column its index, its metric, and which of the
    label columns the metric takes in its order (None: all of them, as they come).
    """
    for column in columns:
        if columns.count(column) > 1:
            raise SetupError(f"query {query.name}: the result has the column {column} twice")
    label_columns = [c for c in columns if c not in query.values]
    missing = [c for c in query.values if c not in columns]
    if missing:
        raise SetupError(f"query {query.name}: the result has no column {', '.join(missing)}")
    values: list[tuple[int, Metric, tuple[int, ...] | None]] = []
    used: set[str] = set()
    in_order = tuple(range(len(label_columns)))
    for column, metric in query.values.items():
        absent = [label for label in metric.labels if label not in label_columns]
        if absent:
            raise SetupError(f"query {query.name}: {metric.name} needs the label column {', '.join(absent)}")
        used.update(metric.labels)
        order = tuple(label_columns.index(label) for label in metric.labels)
        values.append((columns.index(column), metric, None if order == in_order else order))
    unused = [c for c in label_columns if c not in used]
    if unused:
        raise SetupError(f"query {query.name}: nobody asked for the column {', '.join(unused)}")
    return [columns.index(c) for c in label_columns], values
