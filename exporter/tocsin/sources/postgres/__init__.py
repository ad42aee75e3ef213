"""PostgreSQL 13 to 18."""

from __future__ import annotations

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.filewatch import METRICS as FILES
from tocsin.handshake.series import CERTIFICATE_EVERY, CERTIFICATE_METRICS, CERTIFICATE_REMAINING
from tocsin.source import Collector, Module, Reference, Source
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres import own, upkeep
from tocsin.sources.postgres import queries as q
from tocsin.sources.postgres import relations as r
from tocsin.sources.postgres.compat import translate
from tocsin.sources.postgres.config import GRANTS, PostgresOptions, visit
from tocsin.sources.postgres.session import PostgresSession
from tocsin.sql import Ask, Query

_certificate = Module("tocsin.sources.postgres.certificate")
_files = Module("tocsin.sources.postgres.files")
_inspect = Module("tocsin.sources.postgres.inspect")
_listen = Module("tocsin.sources.postgres.listen")


def _asks(query: Query, help: str, *, enabled: bool = True, everywhere: bool = False, every: float | None = None) -> Collector:
    """A collector that is one query: its metrics are those of the query's columns. Live unless it has a clock of its own."""
    return Collector(
        query.name, help, tuple(query.values.values()), Ask(query, everywhere=everywhere), every=every, timeout=20.0, enabled=enabled
    )


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
        _asks(q.WRAPAROUND, "how far each database is from transaction id wraparound"),
        _asks(q.POSTMASTER, "when the server started"),
        Collector("process_idle", "how long sessions have been idle", (m.PROCESS_IDLE,), Ask(q.PROCESS_IDLE, q.emit_process_idle)),
        _asks(q.ROLES, "connection limit of each role"),
        _asks(q.ARCHIVER, "archived log segments"),
        _asks(q.SLOTS, "replication slots and the log that they hold back"),
        _asks(q.AUTOVACUUM, "tables that autovacuum is working on"),
        Collector(
            "stat_progress_vacuum",
            "progress of running vacuums",
            (m.VACUUM_PHASE, *q.VACUUM_METRICS),
            Ask(q.VACUUM, q.emit_vacuum),
        ),
        _asks(q.WAL_RECEIVER, "the receiver of a standby"),
        _asks(q.WAL, "log segments on disk"),
        Collector(
            "stat_database_conflicts",
            "queries that recovery cancelled, on standbys",
            q.CONFLICT_METRICS,
            Ask(q.CONFLICTS, q.emit_conflicts),
        ),
        _asks(q.BUFFERCACHE, "buffers in use, PostgreSQL 16 and newer with the extension pg_buffercache", enabled=False),
        Collector(
            "stat_statements",
            "the statements that take most time, with the extension pg_stat_statements",
            r.STATEMENT_METRICS,
            Ask(r.STATEMENTS, r.emit_statements),
        ),
        Collector(
            "stat_statements_query_id",
            "texts of those statements, which may hold what others should not read",
            (m.STATEMENTS_TEXT,),
            Ask(r.QUERY_TEXTS, r.emit_query_texts),
            enabled=False,
        ),
        _asks(own.BLOCKED, "sessions that wait for a lock of somebody else"),
        _asks(own.BLOCKING, "sessions that others wait for"),
        _asks(own.SESSIONS, "what sessions spent their time with and how they ended, PostgreSQL 14 and newer"),
        _asks(own.SSL, "client connections by encryption"),
        _asks(own.STAT_WAL, "log written, PostgreSQL 14 and newer"),
        _asks(own.IO, "reads and writes by kind of process, PostgreSQL 16 and newer"),
        _asks(own.SLRU, "the small caches for transaction state"),
        _asks(r.USER_TABLES, "scans, rows, vacuums and sizes of each table", everywhere=True),
        _asks(r.IO_TABLES, "blocks read and hit of each table", everywhere=True),
        _asks(r.IO_INDEXES, "blocks read and hit of each index", enabled=False, everywhere=True),
        # Last: while the server adds up file sizes we turn the tables into text.
        _asks(q.DATABASE, "size and connection limit of each database"),
        _asks(upkeep.SEQUENCES, "how much of the fullest sequences is used up", everywhere=True, every=60),
        _asks(upkeep.UNUSED_INDEXES, "indexes that no scan used", everywhere=True, every=900),
        _asks(upkeep.REDUNDANT_INDEXES, "indexes that another one makes superfluous", everywhere=True, every=900),
        Collector(
            "bloat",
            "space that tables and B-trees hold and do not need, by estimate",
            upkeep.BLOAT_METRICS,
            upkeep.collect_bloat,
            every=900.0,
            timeout=20.0,
        ),
        Collector(
            "certificate",
            "the certificate that the server shows: whose, until when, and whether it is to be trusted",
            CERTIFICATE_METRICS,
            _certificate.collect_certificate,
            every=CERTIFICATE_EVERY,
            timeout=15.0,
        ),
        Collector(
            "files",
            "the data directory and the configuration, with what changed in it, where they lie on this machine and may be read",
            FILES,
            _files.collect_files,
            every=30.0,
            events=(EventKind.FILE,),
        ),
        Collector(
            "schema",
            "changes of all that a schema holds, in every watched database",
            (*vitals.SCHEMA, m.SCHEMA_TRIGGER_INSTALLED, m.SCHEMA_TRIGGER_ENABLED),
            _inspect.collect_schema,
            every=10.0,
            events=(EventKind.SCHEMA,),
            wakes=True,
        ),
    ),
    thresholds=(*m.THRESHOLDS, CERTIFICATE_REMAINING),
    schemas=_inspect.schemas,
    listen=_listen.listen,
    visit=visit,
    finish=translate,
    grants=GRANTS,
    reference=Reference(m.COLLECTOR_SUCCESS, m.COLLECTOR_DURATION, "", m.SCRAPES, m.SCRAPE_DURATION, m.SCRAPE_ERROR),
)
