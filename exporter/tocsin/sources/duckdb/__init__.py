"""DuckDB database files."""

from __future__ import annotations

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.filewatch import METRICS as FILES
from tocsin.source import Collector, Module, Source
from tocsin.sources.duckdb import metrics as m
from tocsin.sources.duckdb.config import DuckdbOptions, files_of

_collect = Module("tocsin.sources.duckdb.collect")
_session = Module("tocsin.sources.duckdb.session")

SOURCE = Source(
    kind="duckdb",
    help="DuckDB database files, read without a lock beside the application that writes them",
    options=DuckdbOptions,
    open=_session.DuckdbSession,
    up=m.UP,
    collectors=(
        Collector(
            "database",
            "sizes, storage version, checkpoints, locks and temporary files, without the library",
            (
                m.SIZE, m.WAL_SIZE, m.STATE, m.WRITE_LOCKED, m.HOLDER_PID, m.HOLDER_MEMORY, m.HOLDER_START,
                m.TEMP_FILES, m.TEMP_SIZE, m.FILE_INFO, m.STORAGE_VERSION, m.CHECKPOINTS, m.BLOCK_SIZE,
            ),
            _collect.collect_database,
        ),
        Collector(
            "storage",
            "blocks, rows and objects as the catalog has them",
            (
                m.BLOCKS, m.FREE_BLOCKS, m.COMPATIBILITY, m.TABLE_ROWS, m.OTHER_TABLES, m.OTHER_ROWS,
                m.OBJECTS, m.READ_SECONDS, m.COPIED,
            ),
            _collect.collect_storage,
            every=60.0,
        ),
        Collector(
            "schema",
            "changes of tables, columns, constraints, indexes, views, sequences, types, macros, triggers and comments",
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
    ),
    thresholds=m.THRESHOLDS,
    files=files_of,
    schemas=_collect.read_schemas,
)  # fmt: skip
