"""Queries of the user's own, those of a target and those in files: checked together, every mistake with its place."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tocsin import catalog
from tocsin.metric import Metric, MetricFamily
from tocsin.reader import Mistake, Reader, compose, join, kind_of, name_of
from tocsin.source import Source
from tocsin.sql import TAKEN_LABELS, FileQuery, OwnQuery, SqlByVersion, SqlOptions

if TYPE_CHECKING:
    from tocsin.sources.postgres.exporter_queries import ExporterEntry, ExporterQuery

_log = logging.getLogger("tocsin.config")

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class OwnQueries:
    """The own queries of one target: their names and series so far, none of which may come twice."""

    def __init__(self, source: Source, labels: Iterable[str]) -> None:
        self.names: list[str] = []
        self._source = source
        self._labels = frozenset(labels)
        self._series: set[str] = set()
        self._left_out: list[str] = []

    def check(self, reader: Reader, node: yaml.Node | None, path: str) -> None:
        """Note what would make two series one, or a page unreadable, in a list of queries."""
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            here = f"{path}[{name_of(item)}]"
            parts = {str(key.value): value for key, value in item.value} if isinstance(item, yaml.MappingNode) else {}
            name = parts.get("name")
            if isinstance(name, yaml.ScalarNode):
                self._take_name(reader, name, f"{here}.name", name.value)
            everywhere = parts.get("everywhere")
            if isinstance(everywhere, yaml.ScalarNode) and everywhere.value.lower() == "true" and not self._has_databases():
                reader.note(everywhere, f"{here}.everywhere", f"{self._source.kind} has no databases to ask in; leave it out")
            own = parts.get("labels")
            columns = [c.value for c in own.value if isinstance(c, yaml.ScalarNode)] if isinstance(own, yaml.SequenceNode) else []
            for column in columns:
                if column in self._labels and own is not None:
                    reader.note(own, f"{here}.labels", f"{column!r} is a label of the target already; give the column another name")
            self._check_metrics(reader, parts.get("metrics"), here, columns)

    def _has_databases(self) -> bool:
        return issubclass(self._source.options, SqlOptions) and self._source.options.has_databases

    def _take_name(self, reader: Reader, node: yaml.Node, path: str, name: str) -> None:
        if name in self.names or self._source.collector(name) is not None:
            reader.note(node, path, f"{name!r} is another collector's name; choose a new one")
        self.names.append(name)

    def _check_metrics(self, reader: Reader, node: yaml.Node | None, path: str, labels: list[str]) -> None:
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            said = {str(k.value): str(v.value) for k, v in value.value} if isinstance(value, yaml.MappingNode) else {}
            here = f"{path}.metrics.{key.value}"
            if key.value in labels:
                reader.note(key, here, f"the column {key.value} is a label already; a column is one or the other")
            self._take_series(reader, key, here, said.get("name", ""), (said.get("type", "gauge"), said.get("help", ""), tuple(labels)))

    def _take_series(self, reader: Reader, node: yaml.Node, path: str, name: str, form: object) -> None:
        """Note a series that the target has already, or that another query declares with other words."""
        line = node.start_mark.line + 1
        first, file, at = reader.declared.setdefault(name, (form, reader.name, line))
        if name in self._series:
            reader.note(node, path, f"{name} is a series of this target already; choose a new name")
        self._series.add(name)
        if first != form:
            where = f"line {at}" if file == reader.name else f"{file}:{at}"
            reader.note(node, path, f"{name} is declared otherwise in {where}: one name, one meaning")

    def read_files(self, reader: Reader, node: yaml.Node | None, path: str) -> list[OwnQuery]:
        """Return the queries of the files that a target names."""
        if node is None or not issubclass(self._source.options, SqlOptions):
            return []
        try:
            patterns = reader.typed(node, path, tuple[str, ...])
        except Mistake:
            return []
        found: list[OwnQuery] = []
        for pattern in patterns:
            files = list(_files(reader.folder / Path(pattern).expanduser()))
            if not files:
                reader.note(node, path, f"{pattern}: no such file or folder")
            for file in files:
                found += self._read_file(reader, node, path, file)
        return found

    def _read_file(self, reader: Reader, node: yaml.Node, path: str, file: Path) -> Iterator[OwnQuery]:
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reader.note(node, path, f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}")
            return
        own = reader.another(str(file), file.parent)
        root, problem = compose(text, own.name)
        if problem:
            own.add(0, problem)
        if root is None:
            return
        by_key = dict(_entries(own, root))
        if isinstance(by_key.get("queries"), yaml.SequenceNode):
            yield from self._own_format(own, by_key)
        elif self._source.kind == "postgres":
            for word, value in by_key.items():
                yield from self._exporters_format(own, word, value)
            if self._left_out:
                _log.warning("%s: left out, because built-in collectors serve it: %s", own.name, ", ".join(self._left_out))
                self._left_out = []
        else:
            own.note(root, "the file", "expected `queries:` and a list of them")

    def _own_format(self, reader: Reader, by_key: dict[str, yaml.Node]) -> Iterator[OwnQuery]:
        for word, node in by_key.items():
            if word != "queries":
                reader.note(node, word, "unknown option; a file of queries has `queries:` alone")
        self.check(reader, by_key["queries"], "queries")
        try:
            found = reader.typed(by_key["queries"], "queries", tuple[OwnQuery, ...])
        except Mistake:
            return
        for own in found:
            yield FileQuery(**{f.name: getattr(own, f.name) for f in fields(OwnQuery)}, file=reader.name)

    def _exporters_format(self, reader: Reader, name: str, node: yaml.Node) -> Iterator[ExporterQuery]:
        """Read one query of postgres_exporter's format, whose series have names of its own choice but no built-in one."""
        from tocsin.sources.postgres.exporter_queries import ExporterEntry, ExporterQuery

        before = len(reader.mistakes)
        self._take_name(reader, node, name, name)
        if not _NAME.fullmatch(name):
            reader.note(node, name, "expected a name of letters, digits and _: that of its series begins with it")
        try:
            entry: ExporterEntry = reader.typed(node, name, ExporterEntry)
        except Mistake:
            return
        columns = {column: said for item in entry.metrics for column, said in item.items()}
        query = ExporterQuery(
            name=name,
            sql=SqlByVersion({"": entry.query}),
            labels=tuple(column for column, said in columns.items() if said.usage == "LABEL"),
            metrics={},
            every=entry.cache_seconds or None,
            rows=100_000,
            file=reader.name,
            columns=columns,
        )
        query = self._without_built_in(query)
        for label in query.labels:
            if label in self._labels or label in TAKEN_LABELS or not _NAME.fullmatch(label):
                reader.note(node, join(name, label), "cannot be a label; give the column another name")
        for column, series in query.series().items():
            here = join(name, f"metrics.{column}")
            if not _NAME.fullmatch(series):
                reader.note(node, here, f"{series} is not the name of a series; give the column another name")
            elif _is_built_in(series):
                reader.note(node, here, f"{series} is a series of Tocsin's own; leave the column out, or the query")
            self._take_series(reader, node, here, series, (columns[column].usage, columns[column].description, query.labels, "server"))
        if len(reader.mistakes) == before and query.series():
            yield query

    def _without_built_in(self, query: ExporterQuery) -> ExporterQuery:
        """Leave out what a built-in collector serves by now, as that of pg_replication: older files of this format have it."""
        mine = [m for c in self._source.collectors if c.enabled for m in c.metrics]
        gone = {column: series for column, series in query.series().items() if any(_is_of(m, series) for m in mine)}
        if not gone:
            return query
        self._left_out += gone.values()
        discarded = {column: replace(query.columns[column], usage="DISCARD") for column in gone}
        return replace(query, columns={**query.columns, **discarded})


def _is_of(metric: Metric | MetricFamily, series: str) -> bool:
    return metric.name == series if isinstance(metric, Metric) else metric.pattern.fullmatch(series) is not None


@cache
def _built_in() -> tuple[frozenset[str], tuple[MetricFamily, ...]]:
    declared = catalog.metrics()
    return frozenset(m.name for m in declared if isinstance(m, Metric)), tuple(m for m in declared if isinstance(m, MetricFamily))


def _is_built_in(series: str) -> bool:
    names, families = _built_in()
    return series in names or any(family.pattern.fullmatch(series) for family in families)


def _entries(reader: Reader, root: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(root, yaml.MappingNode):
        reader.note(root, "the file", f"expected queries, got {kind_of(root)}")
        return
    for word, _, value in reader.entries(root, ""):
        yield word, value


def _files(path: Path) -> Iterator[Path]:
    """Yield the file itself, the YAML files of a folder, or what the pattern means, in the order of their names."""
    if path.is_dir():
        yield from sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml") and p.is_file())
    elif any(letter in str(path) for letter in "*?["):
        root = Path(path.anchor)
        yield from sorted(p for p in root.glob(str(path.relative_to(root))) if p.is_file())
    elif path.exists():
        yield path
