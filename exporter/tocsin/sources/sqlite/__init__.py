"""SQLite 3 database files."""

from __future__ import annotations

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.source import Collector, Source
from tocsin.sources.sqlite import metrics as m
from tocsin.sources.sqlite.collect import SqliteSession, collect_database, collect_schema
from tocsin.sources.sqlite.config import SqliteOptions

SOURCE = Source(
    kind="sqlite",
    help="SQLite 3 database files, read without a lock",
    options=SqliteOptions,
    open=SqliteSession,
    up=m.UP,
    collectors=(
        Collector(
            "database",
            "size, pages, write-ahead log and versions, from the file's header",
            (m.SIZE, m.PAGE_SIZE, m.PAGES, m.FREELIST, m.WAL_SIZE, m.JOURNAL_MODE, m.SCHEMA_VERSION, m.USER_VERSION, m.APPLICATION_ID),
            collect_database,
        ),
        Collector(
            "schema",
            "changes of tables, columns, indexes and constraints",
            vitals.SCHEMA,
            collect_schema,
            every=10.0,
            events=(EventKind.SCHEMA,),
        ),
    ),
    thresholds=m.THRESHOLDS,
)
