"""What a PostgreSQL server tells about itself and no reference exporter asks: who blocks whom, what sessions, disk and log do."""

from __future__ import annotations

from tocsin.sources.postgres import metrics as m
from tocsin.sql import Query

BLOCKED = Query(
    "blocked",
    # pg_blocking_pids takes a lock on the lock table: it is asked only for those who wait.
    sql=(
        (
            130000,
            """
            WITH waiting AS MATERIALIZED (
                SELECT datname, state_change, query_start, pg_blocking_pids(pid) AS blockers
                FROM pg_stat_activity WHERE wait_event_type = 'Lock'
            )
            SELECT d.datname, count(w.datname) AS sessions,
                COALESCE(extract(EPOCH FROM max(clock_timestamp() - w.query_start)), 0)::float8 AS oldest
            FROM pg_database AS d
            LEFT JOIN waiting AS w ON w.datname = d.datname AND cardinality(w.blockers) > 0
            WHERE d.datallowconn
            GROUP BY d.datname
            """,
        ),
    ),
    values={"sessions": m.BLOCKED_SESSIONS, "oldest": m.BLOCKED_SECONDS},
)

BLOCKING = Query(
    "blocking",
    # Whoever waits is blocked by all that are ahead in the queue too, so many paths lead from a root to a session: UNION keeps one.
    # A prepared transaction blocks as process 0, of which nothing else is known.
    sql=(
        (
            130000,
            """
            WITH RECURSIVE waiting AS MATERIALIZED (
                SELECT pid, datname, unnest(pg_blocking_pids(pid)) AS blocker FROM pg_stat_activity WHERE wait_event_type = 'Lock'
            ),
            behind (root, datname, pid) AS (
                SELECT w.blocker, w.datname, w.pid FROM waiting AS w
                WHERE NOT EXISTS (SELECT FROM waiting AS root WHERE root.pid = w.blocker)
                UNION
                SELECT b.root, b.datname, w.pid FROM behind AS b JOIN waiting AS w ON w.blocker = b.pid
            )
            SELECT
                COALESCE(a.datname, b.datname, '') AS datname,
                COALESCE(a.usename, '') AS usename,
                COALESCE(a.application_name, '') AS application_name,
                CASE WHEN b.root = 0 THEN 'prepared transaction' ELSE COALESCE(a.state, a.backend_type, '') END AS state,
                count(DISTINCT b.root) AS roots,
                count(DISTINCT b.pid) AS behind
            FROM behind AS b LEFT JOIN pg_stat_activity AS a ON a.pid = b.root
            GROUP BY 1, 2, 3, 4
            """,
        ),
    ),
    values={"roots": m.BLOCKING_SESSIONS, "behind": m.BLOCKING_WAITERS},
)

SESSIONS = Query(
    "session_time",
    sql=(
        (
            140000,
            """
            SELECT d.datname, t.activity, t.reason, t.milliseconds / 1000 AS seconds, t.begun, t.lost
            FROM pg_stat_database AS d
            CROSS JOIN LATERAL (VALUES
                ('active', '', d.active_time, NULL::int8, NULL::int8),
                ('idle in transaction', '', d.idle_in_transaction_time, NULL, NULL),
                ('idle', '', greatest(0, d.session_time - d.active_time - d.idle_in_transaction_time), NULL, NULL),
                ('', '', NULL, d.sessions, NULL),
                ('', 'abandoned', NULL, NULL, d.sessions_abandoned),
                ('', 'fatal', NULL, NULL, d.sessions_fatal),
                ('', 'killed', NULL, NULL, d.sessions_killed)) AS t (activity, reason, milliseconds, begun, lost)
            WHERE d.datname IS NOT NULL
            """,
        ),
    ),
    values={"seconds": m.SESSION_SECONDS, "begun": m.SESSIONS, "lost": m.SESSIONS_LOST},
)

SSL = Query(
    "ssl",
    sql=(
        (
            130000,
            """
            SELECT COALESCE(s.version, '') AS version, count(*) AS connections
            FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid)
            WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
            GROUP BY 1
            """,
        ),
    ),
    values={"connections": m.SSL_CONNECTIONS},
)

# Times are 0 while the server does not measure them: then they are absent.
_STAT_WAL = """
    SELECT
        wal_records, wal_fpi, wal_bytes, wal_buffers_full, {writes} AS wal_write, {syncs} AS wal_sync,
        CASE WHEN current_setting('track_wal_io_timing')::bool THEN {write_time} / 1000 END AS write_seconds,
        CASE WHEN current_setting('track_wal_io_timing')::bool THEN {sync_time} / 1000 END AS sync_seconds
    FROM pg_stat_wal
"""
_NONE = "NULL::float8"
STAT_WAL = Query(
    "stat_wal",
    # PostgreSQL 18 tells of writes and syncs in pg_stat_io, as object `wal`.
    sql=(
        (180000, _STAT_WAL.format(writes=_NONE, syncs=_NONE, write_time=_NONE, sync_time=_NONE)),
        (140000, _STAT_WAL.format(writes="wal_write", syncs="wal_sync", write_time="wal_write_time", sync_time="wal_sync_time")),
    ),
    values={
        "wal_records": m.WAL_RECORDS, "wal_fpi": m.WAL_FULL_PAGES, "wal_bytes": m.WAL_BYTES, "wal_buffers_full": m.WAL_BUFFERS_FULL,
        "wal_write": m.WAL_WRITES, "wal_sync": m.WAL_SYNCS, "write_seconds": m.WAL_WRITE_SECONDS, "sync_seconds": m.WAL_SYNC_SECONDS,
    },
)  # fmt: skip

# What a kind of process cannot do, such as a checkpointer that reads, is NULL and has no series. Nor has one that
# has done nothing yet, which most have not: they would be two thirds of some 400 series.
_IO = """
    SELECT
        i.backend_type, i.object, i.context, o.operation, o.operations, o.bytes,
        CASE WHEN current_setting({timed})::bool THEN o.milliseconds / 1000 END AS seconds
    FROM pg_stat_io AS i
    CROSS JOIN LATERAL (VALUES
        ('read', i.reads, {read_bytes}, i.read_time),
        ('write', i.writes, {write_bytes}, i.write_time),
        ('extend', i.extends, {extend_bytes}, i.extend_time),
        ('writeback', i.writebacks, NULL, i.writeback_time),
        ('fsync', i.fsyncs, NULL, i.fsync_time),
        ('hit', i.hits, NULL, NULL),
        ('eviction', i.evictions, NULL, NULL),
        ('reuse', i.reuses, NULL, NULL)) AS o (operation, operations, bytes, milliseconds)
    WHERE o.operations IS NOT NULL
        AND 0 < ANY (ARRAY[i.reads, i.writes, i.extends, i.writebacks, i.fsyncs, i.hits, i.evictions, i.reuses])
"""
IO = Query(
    "stat_io",
    sql=(
        (
            180000,
            _IO.format(
                timed="CASE i.object WHEN 'wal' THEN 'track_wal_io_timing' ELSE 'track_io_timing' END",
                read_bytes="i.read_bytes",
                write_bytes="i.write_bytes",
                extend_bytes="i.extend_bytes",
            ),
        ),
        (
            160000,
            _IO.format(
                timed="'track_io_timing'",
                read_bytes="i.reads * i.op_bytes",
                write_bytes="i.writes * i.op_bytes",
                extend_bytes="i.extends * i.op_bytes",
            ),
        ),
    ),
    values={"operations": m.IO_OPERATIONS, "bytes": m.IO_BYTES, "seconds": m.IO_SECONDS},
)

SLRU = Query(
    "stat_slru",
    sql=(
        (
            130000,
            """
            SELECT s.name AS slru, o.operation, o.operations
            FROM pg_stat_slru AS s
            CROSS JOIN LATERAL (VALUES
                ('zeroed', s.blks_zeroed), ('hit', s.blks_hit), ('read', s.blks_read), ('written', s.blks_written),
                ('flush', s.flushes), ('truncate', s.truncates)) AS o (operation, operations)
            """,
        ),
    ),
    values={"operations": m.SLRU_OPERATIONS},
)
