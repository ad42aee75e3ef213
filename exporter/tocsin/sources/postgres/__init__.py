"""PostgreSQL 13 to 18."""

from __future__ import annotations

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.source import Collector, Source
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres import queries as q
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.inspect import collect_schema
from tocsin.sources.postgres.session import PostgresSession
from tocsin.sql import Ask, Query


def _asks(query: Query, help: str, enabled: bool = True) -> Collector:
    """A live collector that is one query: its metrics are those of the query's columns."""
    return Collector(query.name, help, tuple(query.values.values()), Ask(query), enabled=enabled)


SOURCE = Source(
    kind="postgres",
    help="PostgreSQL 13 to 18, under postgres_exporter's names",
    options=PostgresOptions,
    open=PostgresSession,
    up=m.UP,
    collectors=(
        Collector("static", "version of the server", (m.STATIC,), q.ASK_STATIC),
        Collector("settings", "server parameters", (m.SETTINGS,), q.ASK_SETTINGS),
        _asks(q.REPLICATION, "role and replay lag"),
        _asks(q.STAT_REPLICATION, "standbys that follow this server"),
        _asks(q.STAT_DATABASE, "transactions, rows, blocks and waits by database"),
        _asks(q.ACTIVITY, "what server processes do and wait for"),
        _asks(q.LONG_TRANSACTIONS, "transactions that are open now"),
        _asks(q.LOCKS, "locks by database and mode"),
        _asks(q.BGWRITER, "background writer and, under their old names, checkpoints"),
        _asks(q.CHECKPOINTER, "checkpoints, PostgreSQL 17 and newer"),
        _asks(q.DATABASE, "size and connection limit of each database"),
        Collector(
            "schema",
            "changes of tables, columns, indexes and constraints in every watched database",
            vitals.SCHEMA,
            collect_schema,
            every=10.0,
            events=(EventKind.SCHEMA,),
        ),
    ),
    thresholds=m.THRESHOLDS,
)
