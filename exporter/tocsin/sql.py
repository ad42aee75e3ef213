"""A query: SQL and what its columns mean. No code; a user's own queries have the same format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tocsin.errors import SetupError, Unsupported
from tocsin.metric import Metric
from tocsin.source import Run


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

    def for_version(self, version: int) -> str:
        """Return the SQL for a server of that version. Raises Unsupported when it is older than all of them."""
        for lowest, text in self.sql:
            if version >= lowest:
                return text
        raise Unsupported(f"{self.name} needs server version {self.sql[-1][0]}, this one is {version}")


def emit_rows(query: Query, run: Run, columns: Sequence[str], rows: Iterable[Sequence[bytes | None]]) -> None:
    """Turn result rows, as the text that the server sent, into samples of the run.

    The label values of a row are decoded once and shared by all its samples, and numbers stay text: this
    is what makes a page of 50,000 series cheap. Raises SetupError when the columns are not those declared.
    """
    plan = _plan(query, columns)
    decoded: dict[bytes | None, str] = {None: ""}
    shared = plan.shared
    for row in rows:
        names = []
        for index in plan.labels:
            cell = row[index]
            text = decoded.get(cell)
            if text is None:
                text = decoded[cell] = str(cell, "utf-8", "replace") if cell is not None else ""
            names.append(text)
        labels = tuple(names)
        for index, metric, order in plan.values:
            value = row[index]
            if value is not None:
                run.emit(metric, value, labels if shared else tuple(names[i] for i in order))


@dataclass(frozen=True, slots=True)
class _Plan:
    labels: list[int]
    values: list[tuple[int, Metric, tuple[int, ...]]]
    shared: bool


def _plan(query: Query, columns: Sequence[str]) -> _Plan:
    """Match columns with metrics and labels, exactly."""
    label_columns = [c for c in columns if c not in query.values]
    missing = [c for c in query.values if c not in columns]
    if missing:
        raise SetupError(f"query {query.name}: the result has no column {', '.join(missing)}")
    values = []
    used: set[str] = set()
    for column, metric in query.values.items():
        absent = [label for label in metric.labels if label not in label_columns]
        if absent:
            raise SetupError(f"query {query.name}: {metric.name} needs the label column {', '.join(absent)}")
        used.update(metric.labels)
        values.append((columns.index(column), metric, tuple(label_columns.index(label) for label in metric.labels)))
    unused = [c for c in label_columns if c not in used]
    if unused:
        raise SetupError(f"query {query.name}: nobody asked for the column {', '.join(unused)}")
    in_order = tuple(range(len(label_columns)))
    return _Plan(
        labels=[columns.index(c) for c in label_columns],
        values=values,
        shared=all(order == in_order for _, _, order in values),
    )
