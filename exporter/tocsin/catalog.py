"""The table of contents: every source there is."""

from __future__ import annotations

from tocsin import vitals
from tocsin.metric import Declared
from tocsin.source import Source, Threshold
from tocsin.sources import docker, duckdb, endpoint, files, host, mysql, postgres, sqlite

SOURCES: tuple[Source, ...] = (
    postgres.SOURCE,
    mysql.SOURCE,
    sqlite.SOURCE,
    duckdb.SOURCE,
    endpoint.SOURCE,
    docker.SOURCE,
    files.SOURCE,
    host.SOURCE,
)


def source(kind: str) -> Source:
    """Return the source of that kind. Raises KeyError."""
    return {s.kind: s for s in SOURCES}[kind]


def metrics() -> list[Declared]:
    """Return every metric that a page may hold, once each, in the order of this catalog."""
    found: dict[str, Declared] = {m.name: m for m in (*vitals.EXPORTER, *vitals.TARGET)}
    for one in SOURCES:
        for metric in (*one.vitals, *(m for c in one.collectors for m in c.metrics)):
            found.setdefault(metric.name, metric)
    return list(found.values())


def thresholds() -> dict[str, Threshold]:
    """Return every signal that rules may compare with a threshold, by name."""
    return {t.signal: t for one in SOURCES for t in one.thresholds}
