"""The series of a PostgreSQL target: names, types and labels of postgres_exporter 0.20."""

from __future__ import annotations

from tocsin.metric import MetricFamily, counter, gauge, untyped
from tocsin.source import Threshold

UP = gauge("pg_up", "Whether the last attempt to reach the server succeeded.")
STATIC = untyped("pg_static", "Version of the server; always 1.", ("version", "short_version", "server"))

DATABASE_SIZE = gauge("pg_database_size_bytes", "Disk space that the database uses.", ("datname",))
DATABASE_CONNECTION_LIMIT = gauge(
    "pg_database_connection_limit", "Connections that the database allows; -1 is no limit of its own.", ("datname",)
)

LOCKS = gauge("pg_locks_count", "Locks held or waited for, by mode, in each database.", ("datname", "mode"))

_ACTIVITY = ("datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event")
ACTIVITY_COUNT = gauge("pg_stat_activity_count", "Server processes by state and by what they wait for.", _ACTIVITY)
ACTIVITY_MAX_TX = gauge(
    "pg_stat_activity_max_tx_duration", "Age of the oldest open transaction in the group, in seconds.", _ACTIVITY, unit="seconds"
)

LONG_TRANSACTIONS = gauge("pg_long_running_transactions", "Transactions that are open now, this exporter's own left out.")
LONG_TRANSACTIONS_OLDEST = gauge(
    "pg_long_running_transactions_oldest_timestamp_seconds", "Age of the oldest open transaction; an age despite the name."
)

REPLICATION_LAG = gauge(
    "pg_replication_lag_seconds", "Seconds by which replay is behind on a standby; 0 on a primary and when all was replayed."
)
REPLICATION_IS_REPLICA = gauge("pg_replication_is_replica", "Whether the server is a standby.")
REPLICATION_LAST_REPLAY = gauge("pg_replication_last_replay_seconds", "Age of the last transaction that a standby replayed.")

_SENDER = ("application_name", "client_addr", "state", "slot_name")
STAT_REPLICATION_LSN = gauge(
    "pg_stat_replication_pg_current_wal_lsn_bytes", "Position in the write-ahead log of the sending server.", _SENDER
)
STAT_REPLICATION_DIFF = gauge(
    "pg_stat_replication_pg_wal_lsn_diff",
    "Bytes of write-ahead log that the standby has not replayed yet.",
    _SENDER,
    unit="bytes",
)

SETTINGS = MetricFamily(
    "pg_settings_<name>", "gauge", "Server parameter <name>; units are converted to seconds or bytes.", r"pg_settings_\w+"
)

BGWRITER_BUFFERS_CLEAN = counter("pg_stat_bgwriter_buffers_clean_total", "Buffers that the background writer wrote.")
BGWRITER_MAXWRITTEN = counter(
    "pg_stat_bgwriter_maxwritten_clean_total", "Times that the background writer stopped because it had written too many buffers."
)
BGWRITER_BUFFERS_ALLOC = counter("pg_stat_bgwriter_buffers_alloc_total", "Buffers allocated.")
BGWRITER_STATS_RESET = counter(
    "pg_stat_bgwriter_stats_reset_total", "Unix time of the last reset of these statistics, a counter by tradition.", unit="seconds"
)
BGWRITER_TIMED = counter("pg_stat_bgwriter_checkpoints_timed_total", "Checkpoints that were due by time.")
BGWRITER_REQ = counter("pg_stat_bgwriter_checkpoints_req_total", "Checkpoints that were asked for.")
BGWRITER_WRITE_TIME = counter(
    "pg_stat_bgwriter_checkpoint_write_time_total", "Time spent writing files in checkpoints, in milliseconds.", unit="milliseconds"
)
BGWRITER_SYNC_TIME = counter(
    "pg_stat_bgwriter_checkpoint_sync_time_total", "Time spent syncing files in checkpoints, in milliseconds.", unit="milliseconds"
)
BGWRITER_BUFFERS_CHECKPOINT = counter("pg_stat_bgwriter_buffers_checkpoint_total", "Buffers written in checkpoints.")
BGWRITER_BUFFERS_BACKEND = counter("pg_stat_bgwriter_buffers_backend_total", "Buffers that backends had to write themselves.")
BGWRITER_BACKEND_FSYNC = counter("pg_stat_bgwriter_buffers_backend_fsync_total", "Times that a backend had to sync a file itself.")

CHECKPOINTER_TIMED = counter("pg_stat_checkpointer_num_timed_total", "Checkpoints that were due by time.")
CHECKPOINTER_REQUESTED = counter("pg_stat_checkpointer_num_requested_total", "Checkpoints that were asked for.")
CHECKPOINTER_RESTART_TIMED = counter("pg_stat_checkpointer_restartpoints_timed_total", "Restartpoints that were due by time.")
CHECKPOINTER_RESTART_REQ = counter("pg_stat_checkpointer_restartpoints_req_total", "Restartpoints that were asked for.")
CHECKPOINTER_RESTART_DONE = counter("pg_stat_checkpointer_restartpoints_done_total", "Restartpoints that were performed.")
CHECKPOINTER_WRITE_TIME = counter(
    "pg_stat_checkpointer_write_time_total", "Time spent writing files in checkpoints, in milliseconds.", unit="milliseconds"
)
CHECKPOINTER_SYNC_TIME = counter(
    "pg_stat_checkpointer_sync_time_total", "Time spent syncing files in checkpoints, in milliseconds.", unit="milliseconds"
)
CHECKPOINTER_BUFFERS = counter("pg_stat_checkpointer_buffers_written_total", "Buffers written in checkpoints.")
CHECKPOINTER_STATS_RESET = counter(
    "pg_stat_checkpointer_stats_reset_total", "Unix time of the last reset of these statistics, a counter by tradition.", unit="seconds"
)

_DB = ("datid", "datname")
DB_BACKENDS = gauge("pg_stat_database_numbackends", "Connections to the database now.", _DB)
DB_COMMIT = counter("pg_stat_database_xact_commit", "Transactions committed.", _DB)
DB_ROLLBACK = counter("pg_stat_database_xact_rollback", "Transactions rolled back.", _DB)
DB_BLKS_READ = counter("pg_stat_database_blks_read", "Blocks read from disk.", _DB)
DB_BLKS_HIT = counter("pg_stat_database_blks_hit", "Blocks found in the buffer cache.", _DB)
DB_RETURNED = counter("pg_stat_database_tup_returned", "Rows returned by scans.", _DB)
DB_FETCHED = counter("pg_stat_database_tup_fetched", "Rows fetched by index scans.", _DB)
DB_INSERTED = counter("pg_stat_database_tup_inserted", "Rows inserted.", _DB)
DB_UPDATED = counter("pg_stat_database_tup_updated", "Rows updated.", _DB)
DB_DELETED = counter("pg_stat_database_tup_deleted", "Rows deleted.", _DB)
DB_CONFLICTS = counter("pg_stat_database_conflicts", "Queries cancelled by conflicts with recovery, on standbys.", _DB)
DB_TEMP_FILES = counter("pg_stat_database_temp_files", "Temporary files created by queries.", _DB)
DB_TEMP_BYTES = counter("pg_stat_database_temp_bytes", "Bytes written to temporary files.", _DB)
DB_DEADLOCKS = counter("pg_stat_database_deadlocks", "Deadlocks detected.", _DB)
DB_READ_TIME = counter(
    "pg_stat_database_blk_read_time", "Time spent reading blocks, in milliseconds; 0 without track_io_timing.", _DB, unit="milliseconds"
)
DB_WRITE_TIME = counter(
    "pg_stat_database_blk_write_time", "Time spent writing blocks, in milliseconds; 0 without track_io_timing.", _DB, unit="milliseconds"
)
DB_STATS_RESET = counter(
    "pg_stat_database_stats_reset",
    "Unix time of the last reset of these statistics, 0 for never; a counter by tradition.",
    _DB,
    unit="seconds",
)
DB_ACTIVE_TIME = counter("pg_stat_database_active_time_seconds_total", "Time spent executing statements, PostgreSQL 14 and newer.", _DB)

THRESHOLDS = (
    Threshold("connections_ratio", "Connections in use as a share of max_connections.", "ratio", 0.8, 0.95),
    Threshold("transaction_age_seconds", "Age of the oldest open transaction.", "seconds", 600, 3600),
    Threshold("replication_lag_seconds", "Seconds by which a standby's replay is behind.", "seconds", 30, 300),
    Threshold("database_growth_ratio", "Growth of a database within a day, as a share of its size a day before.", "ratio", 0.5, 2.0),
)
