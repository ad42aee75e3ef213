"""A query: SQL and what its columns mean. No code; a user's own queries have the same format."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

from tocsin.errors import CollectError, SetupError, Unsupported
from tocsin.metric import Metric, MetricType
from tocsin.options import Duration, TargetOptions, option
from tocsin.source import Collector, Run

_TYPES = ("gauge", "counter", "untyped")
# Stricter than Python's float(), which takes `1_0` and white space: Prometheus refuses the page for either.
_NUMBER = re.compile(rb"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?Inf(inity)?|NaN", re.IGNORECASE)
_TAKEN = ("up", "ALERTS", "ALERTS_FOR_STATE")
TAKEN_LABELS = ("instance", "job", "le", "quantile")
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
    rank: str | None = None
    """Column by which rows come, the largest first, and by which those are chosen that the series budget has room for. A whole
    number; it may be a value too, else it is no series."""
    most: int | None = None
    """Rows that a session holds at most; None is all."""

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
    left_out: int = 0
    """Rows that came after the most that may be held."""


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
        if self.everywhere and self.query.rank is not None:
            answers = _largest_first(self.query, run, list(answers), self.query.rank)
        for result in answers:
            if self.emit is None:
                emit_rows(self.query, run, result.columns, result.rows)
            else:
                self.emit(session, run, result)


def _largest_first(query: Query, run: Run, answers: list[Result], rank: str) -> list[Result]:
    """Return the answers of several databases as they are while the budget has room for all, else as one, the largest rows first."""
    rows = sum(len(answer.rows) for answer in answers if isinstance(answer.rows, Collection))
    if len(answers) < 2 or rows * len(query.values) <= run.limit - run.series:
        return answers
    columns = answers[0].columns
    if any(answer.columns != columns for answer in answers) or rank not in columns:
        return answers  # told as the mistake that it is when they become samples
    place = columns.index(rank)
    merged = heapq.merge(*(answer.rows for answer in answers), key=lambda row: int(row[place] or 0), reverse=True)
    return [Result(columns, merged)]


def _are_labels(names: tuple[str, ...]) -> str | None:
    good = all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", n) and not n.startswith("__") and n not in TAKEN_LABELS for n in names)
    return None if good and len(set(names)) == len(names) else f"label names, each once, none of {', '.join(TAKEN_LABELS)}"


class SqlByVersion(dict[str, str]):
    """SQL by the lowest server version that it is for, as people write versions; the empty text stands for any."""

    def numbered(self, parts: tuple[int, ...]) -> tuple[tuple[int, str], ...]:
        """Return what a query holds: newest first, versions as numbers with these weights of their parts."""
        found = [(version_number(version, parts), sql) for version, sql in self.items()]
        return tuple(sorted(found, key=lambda entry: -entry[0]))


def version_number(text: str, parts: tuple[int, ...]) -> int:
    """Return a version as its engine counts it.

    >>> version_number("10.6", (10000, 100, 1)), version_number("17.2", (10000, 1)), version_number("", (10000, 1))
    (100600, 170002, 0)
    """
    return sum(weight * int(part) for weight, part in zip(parts, text.split(".") if text else (), strict=False))


def is_positive(value: float) -> str | None:
    return None if value > 0 else "more than 0"


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
    sql: SqlByVersion = option(
        help="one statement that reads; each column is a label or the value of a metric. Or several, each by the lowest server version "
        'that it is for: `{"13": ..., "17": ...}`'
    )
    labels: tuple[str, ...] = option((), help="columns that are labels", check=_are_labels)
    metrics: dict[str, OwnMetric] = option(
        help="value columns, and the metrics they become", check=lambda m: None if m else "a column or more"
    )
    every: Duration | None = option(None, help="its own clock; without one it is asked when scraped", check=is_positive)
    timeout: Duration = option(Duration(5), help="longest time that a scheduled run may take", check=is_positive)
    rows: int = option(1000, help="most rows that are taken; the others are counted as dropped series", check=is_positive)
    everywhere: bool = option(
        False, help="asked in each watched database; PostgreSQL alone, and a label should say which: current_database()"
    )

    @property
    def place(self) -> str:
        """Where messages say that the query is."""
        return f"query {self.name}"

    def collector(self, version_parts: tuple[int, ...]) -> Collector:
        values = {column: Metric(m.name, cast(MetricType, m.type), m.help, self.labels) for column, m in self.metrics.items()}
        query = Query(self.name, self.sql.numbered(version_parts), values, most=self.rows)

        def emit(_session: Any, run: Run, result: Result) -> None:
            rows = iter(result.rows)
            emit_rows(query, run, result.columns, (_checked(query, result.columns, row) for row in islice(rows, self.rows)))
            run.dropped += (sum(1 for _ in rows) + result.left_out) * len(values)

        return self.collector_of(tuple(values.values()), OwnAsk(query, emit, self.everywhere, self.place))

    def collector_of(self, metrics: tuple[Metric, ...], ask: Ask) -> Collector:
        return Collector(self.name, "a query of your own", metrics, ask, every=self.every, timeout=self.timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileQuery(OwnQuery):
    """A query of the user's own that stands in a file apart."""

    file: str

    @property
    def place(self) -> str:
        return f"{self.file}: query {self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class OwnAsk(Ask):
    """An own query: whatever goes wrong with it is told with its place."""

    place: str = ""

    def __call__(self, session: Any, run: Run) -> None:
        try:
            Ask.__call__(self, session, run)
        except CollectError as error:
            error.args = (f"{self.place}: {str(error).removeprefix(f'query {self.query.name}: ')}",)
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlOptions(TargetOptions):
    """What the targets have that understand SQL."""

    queries: tuple[OwnQuery, ...] = option((), help="queries of your own")
    query_files: tuple[str, ...] = option(
        (),
        help="files of such queries under `queries:`, or folders of them; `*` and `?` are understood. On PostgreSQL also "
        "postgres_exporter's queries.yaml. Read again with the configuration",
        example="queries.d/*.yaml",
    )
    full_inspection_every: Duration = option(
        Duration(1800), help="after so long the whole schema is read even if nothing seems to have moved"
    )
    expected: Path | None = option(
        None, help="file with the expected schema, from `tocsin schema export`; what differs from it becomes series", example="schema.json"
    )

    version_parts: ClassVar[tuple[int, ...]] = (10000, 100, 1)
    """What the parts of a version number count in what its session calls the version."""
    has_databases: ClassVar[bool] = False
    """Whether a query may be asked in each database."""


def own_collectors(options: TargetOptions) -> list[Collector]:
    """Return the collectors of a target's own queries."""
    return [own.collector(options.version_parts) for own in options.queries] if isinstance(options, SqlOptions) else []


def _checked(query: Query, columns: Sequence[str], row: Sequence[bytes | None]) -> Sequence[bytes | None]:
    """Return the row if its values are numbers: anything else would spoil the whole page. Raises SetupError."""
    for column, value in zip(columns, row, strict=True):
        if column in query.values and value is not None and not is_number(value):
            raise SetupError(f"query {query.name}: column {column} is {value[:40]!r}, not a number; cast it in the SQL")
    return row


def is_number(text: bytes) -> bool:
    return _NUMBER.fullmatch(text) is not None


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
    label_columns = [c for c in columns if c not in query.values and c != query.rank]
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
