"""SQLite 3 database files."""

from __future__ import annotations

from pathlib import Path

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.filewatch import METRICS as FILES
from tocsin.source import Collector, Module, Source
from tocsin.sources.sqlite import files
from tocsin.sources.sqlite import metrics as m
from tocsin.sources.sqlite.config import SqliteOptions


def _files(options: SqliteOptions) -> tuple[Path, ...]:
    return files.of(options.path)


_checks = Module("tocsin.sources.sqlite.checks")
_collect = Module("tocsin.sources.sqlite.collect")
_session = Module("tocsin.sources.sqlite.session")

SOURCE = Source(
    kind="sqlite",
    help="SQLite 3 database files, read without a lock",
    options=SqliteOptions,
    open=_session.SqliteSession,
    up=m.UP,
    collectors=(
        Collector(
            "database",
            "size, pages, write-ahead log, format and versions, from the file's header and the log's index",
            (
                m.SIZE,
                m.PAGE_SIZE,
                m.PAGES,
                m.FREELIST,
                m.CHANGE_COUNTER,
                m.DEFAULT_CACHE,
                m.FORMAT,
                m.WAL_SIZE,
                m.WAL_FRAMES,
                m.WAL_APPLIED,
                m.WAL_BLOCKED,
                m.WAL_SALT,
                m.JOURNAL_MODE,
                m.SCHEMA_VERSION,
                m.USER_VERSION,
                m.APPLICATION_ID,
            ),
            _collect.collect_database,
        ),
        Collector(
            "locks",
            "who holds which lock and for how long, and whether a crashed writer left its journal",
            (m.LOCK_STATE, m.LOCK_HELD, m.LOCK_HOLDER, m.WAL_CHECKPOINTING, m.HOT_JOURNAL),
            _collect.collect_locks,
        ),
        Collector(
            "schema",
            "changes of tables, columns, indexes, constraints, views and triggers",
            vitals.SCHEMA,
            _collect.collect_schema,
            every=10.0,
            events=(EventKind.SCHEMA,),
            wakes=True,
        ),
        Collector(
            "files",
            "who may use the database's files and their directory, and whether they are still the same ones",
            FILES,
            _collect.collect_files,
            every=30.0,
            events=(EventKind.FILE,),
            wakes=True,
        ),
        Collector(
            "rows",
            "rows of each table, counted for five seconds at most",
            (m.TABLES, m.TABLES_COUNTED, m.TABLE_ROWS),
            _checks.collect_rows,
            every=3600.0,
        ),
        Collector(
            "quick_check",
            "PRAGMA quick_check, once a day",
            (m.QUICK_CHECK_OK, m.QUICK_CHECK_ERRORS, m.LAST_CHECK, m.CHECK_UNDONE),
            _checks.collect_quick_check,
            every=3600.0,
            timeout=120.0,
        ),
        Collector(
            "foreign_keys",
            "PRAGMA foreign_key_check, once a day",
            (m.FOREIGN_KEY_VIOLATIONS, m.LAST_CHECK, m.CHECK_UNDONE),
            _checks.collect_foreign_keys,
            every=3600.0,
            timeout=120.0,
            enabled=False,
        ),
    ),
    thresholds=m.THRESHOLDS,
    schemas=_collect.schemas,
    files=_files,
)
