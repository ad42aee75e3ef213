"""What a PostgreSQL server is asked, and which series the answers become."""

from __future__ import annotations

import math

from tocsin.errors import SetupError
from tocsin.metric import Histogram, Metric
from tocsin.source import Run
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres.session import PostgresSession
from tocsin.sql import Ask, Query, Result

STATIC = Query(
    "static",
    sql=((130000, "SELECT version() AS version, current_setting('server_version_num')::int AS number"),),
    values={},
)


def emit_static(session: PostgresSession, run: Run, result: Result) -> None:
    """Emit pg_static with the labels that postgres_exporter gives it; its short version always has three parts."""
    for version, number in result.rows:
        major, minor = divmod(int(number or b"0"), 10000)
        assert session.default is not None
        run.emit(m.STATIC, 1, ((version or b"").decode(), f"{major}.{minor}.0", session.default.address))


DATABASE = Query(
    "database",
    # pg_database_size reads file sizes and takes no lock on a table. A database that the role may not
    # connect to, or that is being dropped, has no size rather than an error for all.
    sql=(
        (
            130000,
            """
            SELECT
                datname,
                CASE WHEN has_database_privilege(datname, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
                    THEN pg_database_size(oid) END AS size_bytes,
                datconnlimit AS connection_limit
            FROM pg_database
            WHERE datconnlimit <> -2
            """,
        ),
    ),
    values={"size_bytes": m.DATABASE_SIZE, "connection_limit": m.DATABASE_CONNECTION_LIMIT},
)

LOCKS = Query(
    "locks",
    # Every mode for every database, so that a lock that is not held is 0 and not absent.
    sql=(
        (
            130000,
            """
            SELECT d.datname, mode.name AS mode, count(l.mode) AS held
            FROM pg_database AS d
            CROSS JOIN (VALUES
                ('accesssharelock'), ('rowsharelock'), ('rowexclusivelock'), ('shareupdateexclusivelock'), ('sharelock'),
                ('sharerowexclusivelock'), ('exclusivelock'), ('accessexclusivelock'), ('sireadlock')) AS mode (name)
            LEFT JOIN pg_locks AS l ON l.database = d.oid AND lower(l.mode) = mode.name
            GROUP BY d.datname, mode.name
            """,
        ),
    ),
    values={"held": m.LOCKS},
)

ACTIVITY = Query(
    "stat_activity",
    sql=(
        (
            130000,
            """
            WITH activity AS (
                SELECT
                    COALESCE(datname, '') AS datname,
                    COALESCE(state, '') AS state,
                    COALESCE(usename, '') AS usename,
                    COALESCE(application_name, '') AS application_name,
                    COALESCE(backend_type, '') AS backend_type,
                    COALESCE(wait_event_type, '') AS wait_event_type,
                    COALESCE(wait_event, '') AS wait_event,
                    count(*) AS processes,
                    COALESCE(extract(EPOCH FROM max(clock_timestamp() - xact_start)), 0)::float8 AS max_tx
                FROM pg_stat_activity
                WHERE pid <> pg_backend_pid()
                GROUP BY 1, 2, 3, 4, 5, 6, 7
            )
            SELECT * FROM activity
            UNION ALL
            SELECT d.datname, s.state, '', '', '', '', '', 0, 0
            FROM pg_database AS d
            CROSS JOIN (VALUES
                ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'),
                ('fastpath function call'), ('disabled')) AS s (state)
            WHERE NOT EXISTS (SELECT FROM activity AS a WHERE a.datname = d.datname AND a.state = s.state)
            """,
        ),
    ),
    values={"processes": m.ACTIVITY_COUNT, "max_tx": m.ACTIVITY_MAX_TX},
)

LONG_TRANSACTIONS = Query(
    "long_running_transactions",
    sql=(
        (
            130000,
            """
            SELECT
                count(*) AS transactions,
                COALESCE(extract(EPOCH FROM max(clock_timestamp() - xact_start)), 0)::float8 AS oldest
            FROM pg_stat_activity
            WHERE state IS DISTINCT FROM 'idle'
                AND query NOT LIKE 'autovacuum:%'
                AND xact_start IS NOT NULL
                AND pid <> pg_backend_pid()
            """,
        ),
    ),
    values={"transactions": m.LONG_TRANSACTIONS, "oldest": m.LONG_TRANSACTIONS_OLDEST},
)

REPLICATION = Query(
    "replication",
    # On an idle standby everything received has been replayed: that is no lag, however old the last
    # transaction is. A standby that never received anything has no lag to tell. One that has lost its primary has
    # replayed all that it ever received: only its receiver tells, where it is meant to have one.
    sql=(
        (
            130000,
            """
            SELECT
                r.lag,
                r.lag AS lag_by_its_old_name,
                pg_is_in_recovery()::int AS is_replica,
                extract(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS last_replay,
                CASE
                    WHEN pg_is_in_recovery() AND (SELECT setting FROM pg_settings WHERE name = 'primary_conninfo') <> ''
                        THEN (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming')
                END AS streaming
            FROM (
                SELECT CASE
                    WHEN NOT pg_is_in_recovery() THEN 0
                    WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                    ELSE greatest(0, extract(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()))
                END::float8 AS lag) AS r
            """,
        ),
    ),
    values={
        "lag": m.REPLICATION_LAG, "lag_by_its_old_name": m.REPLICATION_LAG_OLD, "is_replica": m.REPLICATION_IS_REPLICA,
        "last_replay": m.REPLICATION_LAST_REPLAY, "streaming": m.RECEIVER_STREAMING,
    },
)  # fmt: skip

STAT_REPLICATION = Query(
    "stat_replication",
    sql=(
        (
            130000,
            """
            WITH here AS (
                SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn
            )
            SELECT
                r.application_name,
                COALESCE(host(r.client_addr), '') AS client_addr,
                r.state,
                COALESCE(s.slot_name, '') AS slot_name,
                pg_wal_lsn_diff(here.lsn, '0/0') AS current_lsn,
                pg_wal_lsn_diff(here.lsn, r.replay_lsn) AS behind
            FROM here, pg_stat_replication AS r
            LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid
            """,
        ),
    ),
    values={"current_lsn": m.STAT_REPLICATION_LSN, "behind": m.STAT_REPLICATION_DIFF},
)

SETTINGS = Query(
    "settings",
    # What our own session set for itself is not the server's: there the value is the one that RESET brings
    # back. transaction_read_only follows from the setting just named, and on a standby it is always on.
    sql=(
        (
            130000,
            """
            SELECT
                name,
                CASE
                    WHEN source = 'session' THEN reset_val
                    WHEN name = 'transaction_read_only' AND NOT pg_is_in_recovery() THEN reset_val
                    ELSE setting
                END AS setting,
                COALESCE(unit, '') AS unit,
                vartype
            FROM pg_settings
            WHERE vartype IN ('bool', 'integer', 'real') AND name NOT IN ('sync_commit_cancel_wait', 'google_dataplex.max_messages')
            """,
        ),
    ),
    values={},
)

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def unit_factor(unit: str) -> tuple[str, float] | None:
    """Return the base unit and the factor for a unit of pg_settings, such as `8kB`; None for an unknown one."""
    if unit in _SECONDS:
        return "seconds", _SECONDS[unit]
    count, kind = unit.rstrip("kMGTB"), unit.lstrip("0123456789")
    if kind in _BYTES and (not count or count.isdigit()):
        return "bytes", int(count or 1) * _BYTES[kind]
    return None


def setting_sample(name: str, setting: str, unit: str, vartype: str) -> tuple[Metric, float] | None:
    """Return a server parameter as postgres_exporter shows it, None where its unit is unknown.

    -1 stands for `off` or `default` and is never converted.
    """
    text = f"Server Parameter: {name}"
    full = "pg_settings_" + name.replace(".", "_").replace("-", "_")
    if vartype == "bool":
        return m.SETTINGS.metric(full, text), float(setting == "on")
    # Aurora writes the unit into the value (`200 MB`).
    value, _, inline = setting.partition(" ")
    unit = unit or inline
    number = float(value)
    if not unit:
        return m.SETTINGS.metric(full, text), number
    known = unit_factor(unit)
    if known is None:
        return None
    base, factor = known
    metric = m.SETTINGS.metric(f"{full}_{base}", f"{text} [Units converted to {base}.]")
    return metric, number if number == -1 else number * factor


def emit_settings(_session: PostgresSession, run: Run, result: Result) -> None:
    """Emit every boolean and numeric server parameter. Raises SetupError for a result of another shape."""
    if list(result.columns) != ["name", "setting", "unit", "vartype"]:
        raise SetupError("pg_settings has other columns than asked for")
    for row in result.rows:
        sample = setting_sample(*((cell or b"").decode() for cell in row))
        if sample is not None:
            run.emit(*sample)


# The columns that left pg_stat_bgwriter in PostgreSQL 17 are served from where they went, so that
# dashboards and rules written for the older servers go on working.
BGWRITER = Query(
    "stat_bgwriter",
    sql=(
        (
            170000,
            """
            SELECT
                b.buffers_clean, b.maxwritten_clean, b.buffers_alloc,
                extract(EPOCH FROM b.stats_reset)::float8 AS stats_reset,
                c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_req,
                c.write_time AS checkpoint_write_time, c.sync_time AS checkpoint_sync_time,
                c.buffers_written AS buffers_checkpoint,
                NULL::int8 AS buffers_backend, NULL::int8 AS buffers_backend_fsync
            FROM pg_stat_bgwriter AS b, pg_stat_checkpointer AS c
            """,
        ),
        (
            130000,
            """
            SELECT
                buffers_clean, maxwritten_clean, buffers_alloc,
                extract(EPOCH FROM stats_reset)::float8 AS stats_reset,
                checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time,
                buffers_checkpoint, buffers_backend, buffers_backend_fsync
            FROM pg_stat_bgwriter
            """,
        ),
    ),
    values={
        "buffers_clean": m.BGWRITER_BUFFERS_CLEAN, "maxwritten_clean": m.BGWRITER_MAXWRITTEN, "buffers_alloc": m.BGWRITER_BUFFERS_ALLOC,
        "stats_reset": m.BGWRITER_STATS_RESET, "checkpoints_timed": m.BGWRITER_TIMED, "checkpoints_req": m.BGWRITER_REQ,
        "checkpoint_write_time": m.BGWRITER_WRITE_TIME, "checkpoint_sync_time": m.BGWRITER_SYNC_TIME,
        "buffers_checkpoint": m.BGWRITER_BUFFERS_CHECKPOINT, "buffers_backend": m.BGWRITER_BUFFERS_BACKEND,
        "buffers_backend_fsync": m.BGWRITER_BACKEND_FSYNC,
    },
)  # fmt: skip

CHECKPOINTER = Query(
    "stat_checkpointer",
    sql=(
        (
            170000,
            """
            SELECT
                num_timed, num_requested, restartpoints_timed, restartpoints_req, restartpoints_done,
                write_time, sync_time, buffers_written,
                extract(EPOCH FROM stats_reset)::float8 AS stats_reset
            FROM pg_stat_checkpointer
            """,
        ),
    ),
    values={
        "num_timed": m.CHECKPOINTER_TIMED, "num_requested": m.CHECKPOINTER_REQUESTED, "restartpoints_timed": m.CHECKPOINTER_RESTART_TIMED,
        "restartpoints_req": m.CHECKPOINTER_RESTART_REQ, "restartpoints_done": m.CHECKPOINTER_RESTART_DONE,
        "write_time": m.CHECKPOINTER_WRITE_TIME, "sync_time": m.CHECKPOINTER_SYNC_TIME, "buffers_written": m.CHECKPOINTER_BUFFERS,
        "stats_reset": m.CHECKPOINTER_STATS_RESET,
    },
)  # fmt: skip

_STAT_DATABASE = """
    SELECT
        datid, datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit,
        tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks,
        blk_read_time, blk_write_time,
        COALESCE(extract(EPOCH FROM stats_reset), 0)::float8 AS stats_reset,
        {active_time} AS active_time
    FROM pg_stat_database
    WHERE datname IS NOT NULL
"""

STAT_DATABASE = Query(
    "stat_database",
    sql=(
        (140000, _STAT_DATABASE.format(active_time="active_time / 1000")),
        (130000, _STAT_DATABASE.format(active_time="NULL::float8")),
    ),
    values={
        "numbackends": m.DB_BACKENDS, "xact_commit": m.DB_COMMIT, "xact_rollback": m.DB_ROLLBACK, "blks_read": m.DB_BLKS_READ,
        "blks_hit": m.DB_BLKS_HIT, "tup_returned": m.DB_RETURNED, "tup_fetched": m.DB_FETCHED, "tup_inserted": m.DB_INSERTED,
        "tup_updated": m.DB_UPDATED, "tup_deleted": m.DB_DELETED, "conflicts": m.DB_CONFLICTS, "temp_files": m.DB_TEMP_FILES,
        "temp_bytes": m.DB_TEMP_BYTES, "deadlocks": m.DB_DEADLOCKS, "blk_read_time": m.DB_READ_TIME, "blk_write_time": m.DB_WRITE_TIME,
        "stats_reset": m.DB_STATS_RESET, "active_time": m.DB_ACTIVE_TIME,
    },
)  # fmt: skip

ASK_STATIC = Ask(STATIC, emit_static)
ASK_SETTINGS = Ask(SETTINGS, emit_settings)

WRAPAROUND = Query(
    "database_wraparound",
    sql=((130000, "SELECT datname, age(datfrozenxid) AS xid, mxid_age(datminmxid) AS mxid FROM pg_database WHERE datallowconn"),),
    values={"xid": m.WRAPAROUND_XID, "mxid": m.WRAPAROUND_MXID},
)

POSTMASTER = Query(
    "postmaster",
    sql=((130000, "SELECT extract(EPOCH FROM pg_postmaster_start_time())::float8 AS started"),),
    values={"started": m.POSTMASTER_START},
)

PROCESS_IDLE = Query(
    "process_idle",
    sql=(
        (
            130000,
            """
            SELECT
                state,
                COALESCE(application_name, '') AS application_name,
                array_to_string(array_agg(extract(EPOCH FROM clock_timestamp() - state_change)::float8), ',') AS idle
            FROM pg_stat_activity
            WHERE state LIKE 'idle%' AND pid <> pg_backend_pid()
            GROUP BY 1, 2
            """,
        ),
    ),
    values={},
)


def emit_process_idle(_session: PostgresSession, run: Run, result: Result) -> None:
    """Emit one histogram a group of idle sessions, every group of them."""
    bounds = tuple(float(b) for b in m.PROCESS_IDLE_BUCKETS)
    for state, application, idle in result.rows:
        ages = [float(age) for age in (idle or b"").decode().split(",")]
        counts = tuple(sum(age <= bound for age in ages) for bound in (*bounds, math.inf))
        labels = ((state or b"").decode(), (application or b"").decode("utf-8", "replace"))
        run.emit(m.PROCESS_IDLE, Histogram(bounds, counts, sum(ages)), labels)


ROLES = Query(
    "roles",
    sql=((130000, "SELECT rolname, rolconnlimit AS connection_limit FROM pg_roles"),),
    values={"connection_limit": m.ROLE_CONNECTION_LIMIT},
)

ARCHIVER = Query(
    "stat_archiver",
    sql=(
        (
            130000,
            """
            SELECT archived_count, failed_count, extract(EPOCH FROM clock_timestamp() - last_archived_time)::float8 AS age
            FROM pg_stat_archiver
            """,
        ),
    ),
    values={"archived_count": m.ARCHIVED, "failed_count": m.ARCHIVE_FAILED, "age": m.ARCHIVE_AGE},
)

SLOTS = Query(
    "replication_slots",
    # The position of a standby is what it has received; before anything came there is none.
    sql=(
        (
            130000,
            """
            WITH here AS (
                SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn
            )
            SELECT
                s.slot_name,
                COALESCE(s.database, '') AS database,
                s.slot_type,
                COALESCE(s.wal_status, '') AS wal_status,
                s.active::int AS active,
                pg_wal_lsn_diff(here.lsn, s.restart_lsn) AS held_back,
                pg_wal_lsn_diff(here.lsn, '0/0') AS current_lsn,
                CASE WHEN s.active THEN pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0') END AS flushed_lsn,
                s.active::int AS is_active,
                s.safe_wal_size,
                CASE WHEN s.wal_status IS NOT NULL THEN 1 END AS status
            FROM here, pg_replication_slots AS s
            """,
        ),
    ),
    values={
        "active": m.SLOTS_ACTIVE, "held_back": m.SLOTS_DIFF, "current_lsn": m.SLOTS_CURRENT, "flushed_lsn": m.SLOTS_FLUSHED,
        "is_active": m.SLOTS_IS_ACTIVE, "safe_wal_size": m.SLOTS_SAFE, "status": m.SLOTS_STATUS,
    },
)  # fmt: skip

AUTOVACUUM = Query(
    "stat_activity_autovacuum",
    # The statement's text names the table: `autovacuum: VACUUM public.orders (to prevent wraparound)`.
    sql=(
        (
            130000,
            """
            SELECT split_part(query, '.', 2) AS relname, extract(EPOCH FROM min(xact_start))::float8 AS started
            FROM pg_stat_activity
            WHERE query LIKE 'autovacuum:%' AND xact_start IS NOT NULL
            GROUP BY 1
            """,
        ),
    ),
    values={"started": m.AUTOVACUUM_START},
)

_PHASES = (
    "initializing", "scanning heap", "vacuuming indexes", "vacuuming heap", "cleaning up indexes", "truncating heap",
    "performing final cleanup",
)  # fmt: skip

_VACUUM = """
    SELECT
        v.datname, COALESCE(c.relname, v.relid::text) AS relname, v.phase,
        v.heap_blks_total, v.heap_blks_scanned, v.heap_blks_vacuumed, v.index_vacuum_count, {columns}
    FROM pg_stat_progress_vacuum AS v
    LEFT JOIN pg_class AS c ON c.oid = v.relid AND v.datname = current_database()
"""
VACUUM = Query(
    "stat_progress_vacuum",
    # PostgreSQL 17 counts bytes of dead rows, where the servers before it counted rows.
    sql=(
        (
            170000,
            _VACUUM.format(columns="NULL AS max_dead, v.num_dead_item_ids AS num_dead, v.max_dead_tuple_bytes, v.dead_tuple_bytes"),
        ),
        (
            130000,
            _VACUUM.format(columns="v.max_dead_tuples AS max_dead, v.num_dead_tuples AS num_dead, NULL AS max_bytes, NULL AS bytes"),
        ),
    ),
    values={},
)
VACUUM_METRICS = (
    m.VACUUM_BLKS, m.VACUUM_SCANNED, m.VACUUM_VACUUMED, m.VACUUM_INDEXES,
    m.VACUUM_MAX_DEAD, m.VACUUM_NUM_DEAD, m.VACUUM_MAX_BYTES, m.VACUUM_NUM_BYTES,
)  # fmt: skip


def emit_vacuum(_session: PostgresSession, run: Run, result: Result) -> None:
    """Emit the progress of running vacuums, the phase as one series for each phase there is."""
    for datname, relname, phase, *numbers in result.rows:
        labels = ((datname or b"").decode("utf-8", "replace"), (relname or b"").decode("utf-8", "replace"))
        for known in _PHASES:
            run.emit(m.VACUUM_PHASE, int(phase == known.encode()), (*labels, known))
        for metric, number in zip(VACUUM_METRICS, numbers, strict=True):
            run.emit(metric, number, labels)


_RECEIVER = """
    SELECT
        COALESCE(sender_host, '') AS upstream_host,
        COALESCE(slot_name, '') AS slot_name,
        status,
        pg_wal_lsn_diff(receive_start_lsn, '0/0') AS start_lsn,
        receive_start_tli,
        pg_wal_lsn_diff(flushed_lsn, '0/0') AS flushed_lsn,
        received_tli,
        extract(EPOCH FROM last_msg_send_time)::float8 AS sent,
        extract(EPOCH FROM last_msg_receipt_time)::float8 AS received,
        pg_wal_lsn_diff(latest_end_lsn, '0/0') AS end_lsn,
        extract(EPOCH FROM latest_end_time)::float8 AS end_time,
        sender_port AS upstream_node
    FROM pg_stat_wal_receiver
"""
WAL_RECEIVER = Query(
    "stat_wal_receiver",
    sql=((130000, _RECEIVER),),
    values={
        "start_lsn": m.RECEIVER_START, "receive_start_tli": m.RECEIVER_START_TLI, "flushed_lsn": m.RECEIVER_FLUSHED,
        "received_tli": m.RECEIVER_TLI, "sent": m.RECEIVER_SENT, "received": m.RECEIVER_RECEIVED, "end_lsn": m.RECEIVER_END_LSN,
        "end_time": m.RECEIVER_END_TIME, "upstream_node": m.RECEIVER_NODE,
    },
)  # fmt: skip

WAL = Query(
    "wal",
    sql=((130000, "SELECT count(*) AS segments, COALESCE(sum(size), 0) AS size FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"),),
    values={"segments": m.WAL_SEGMENTS, "size": m.WAL_SIZE},
)

_CONFLICTS = """
    SELECT datid, datname, confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock, {}
    FROM pg_stat_database_conflicts
"""
CONFLICTS = Query(
    "stat_database_conflicts",
    sql=((160000, _CONFLICTS.format("confl_active_logicalslot")), (130000, _CONFLICTS.format("NULL AS confl_active_logicalslot"))),
    values={},
)
CONFLICT_METRICS = (
    m.CONFLICT_TABLESPACE, m.CONFLICT_LOCK, m.CONFLICT_SNAPSHOT, m.CONFLICT_BUFFERPIN, m.CONFLICT_DEADLOCK, m.CONFLICT_SLOT,
)  # fmt: skip


def emit_conflicts(session: PostgresSession, run: Run, result: Result) -> None:
    """Emit the conflicts of each database with the label `server`, which postgres_exporter kept for these alone."""
    for datid, datname, *numbers in result.rows:
        labels = ((datid or b"").decode(), (datname or b"").decode("utf-8", "replace"), session.options.address)
        for metric, number in zip(CONFLICT_METRICS, numbers, strict=True):
            run.emit(metric, number, labels)


BUFFERCACHE = Query(
    "buffercache_summary",
    sql=((160000, "SELECT * FROM {schema}.pg_buffercache_summary()"),),
    values={
        "buffers_used": m.CACHE_USED, "buffers_unused": m.CACHE_UNUSED, "buffers_dirty": m.CACHE_DIRTY, "buffers_pinned": m.CACHE_PINNED,
        "usagecount_avg": m.CACHE_USAGE,
    },
    extension="pg_buffercache",
)  # fmt: skip
