"""The series of a PostgreSQL target: names, types and labels of postgres_exporter 0.20."""

from __future__ import annotations

from tocsin.metric import Metric, MetricFamily, counter, gauge, info, untyped
from tocsin.source import Threshold

UP = gauge("pg_up", "Whether the last attempt to reach the server succeeded.")
SCRAPES = counter("pg_exporter_scrapes_total", "Scrapes of this target since start.")
SCRAPE_DURATION = gauge("pg_exporter_last_scrape_duration_seconds", "How long the last scrape of this target took.")
SCRAPE_ERROR = gauge("pg_exporter_last_scrape_error", "Whether the last scrape of this target failed.")
COLLECTOR_SUCCESS = gauge("pg_scrape_collector_success", "Whether the collector's last run succeeded.", ("collector",))
COLLECTOR_DURATION = gauge("pg_scrape_collector_duration_seconds", "How long the collector's last run took.", ("collector",))
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
REPLICATION_LAG_OLD = gauge(
    "pg_replication_lag", "The same as pg_replication_lag_seconds, by the name that older dashboards and rules ask for.", unit="seconds"
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


# The rest of postgres_exporter's contract.

WRAPAROUND_XID = gauge(
    "pg_database_wraparound_age_datfrozenxid_seconds",
    "Age of the oldest unfrozen transaction id, in transactions; seconds only by name.",
    ("datname",),
    unit="transactions",
)
WRAPAROUND_MXID = gauge(
    "pg_database_wraparound_age_datminmxid_seconds",
    "Age of the oldest unfrozen multixact id, in multixacts; seconds only by name.",
    ("datname",),
    unit="multixacts",
)

POSTMASTER_START = gauge("pg_postmaster_start_time_seconds", "Unix time at which the server started.")

_IDLE = ("state", "application_name")
PROCESS_IDLE = Metric(
    "pg_process_idle_seconds", "histogram", "How long sessions have been idle, by state and application.", _IDLE, unit="seconds"
)
PROCESS_IDLE_BUCKETS = (1, 2, 5, 15, 30, 60, 90, 120, 300)

ROLE_CONNECTION_LIMIT = gauge("pg_roles_connection_limit", "Connections that the role may open; -1 is no limit.", ("rolname",))

ARCHIVED = counter("pg_stat_archiver_archived_count", "Log segments that have been archived.")
ARCHIVE_FAILED = counter("pg_stat_archiver_failed_count", "Attempts to archive a log segment that failed.")
ARCHIVE_AGE = gauge("pg_stat_archiver_last_archive_age", "Seconds since a log segment was last archived.", unit="seconds")

_SLOT = ("slot_name", "database")
SLOTS_ACTIVE = gauge("pg_replication_slots_active", "Whether somebody reads from the slot.", _SLOT)
SLOTS_DIFF = gauge("pg_replication_slots_pg_wal_lsn_diff", "Bytes of write-ahead log that the slot holds back.", _SLOT, unit="bytes")
_SLOT_TYPE = ("slot_name", "slot_type")
SLOTS_CURRENT = gauge("pg_replication_slots_slot_current_wal_lsn", "Position in the write-ahead log, in bytes.", _SLOT_TYPE, unit="bytes")
SLOTS_FLUSHED = gauge(
    "pg_replication_slots_slot_confirmed_flush_lsn",
    "Position that the reader of an active slot has confirmed, in bytes.",
    _SLOT_TYPE,
    unit="bytes",
)
SLOTS_IS_ACTIVE = gauge("pg_replication_slots_slot_is_active", "Whether somebody reads from the slot.", _SLOT_TYPE)
SLOTS_SAFE = gauge(
    "pg_replication_slots_safe_wal_size_bytes", "Bytes that can be written before the slot is in danger of being lost.", _SLOT_TYPE
)
SLOTS_STATUS = info(
    "pg_replication_slots_wal_status", "State of the log that the slot needs, as a label.", ("slot_name", "slot_type", "wal_status")
)

AUTOVACUUM_START = gauge(
    "pg_stat_activity_autovacuum_timestamp_seconds", "Unix time at which a running autovacuum of the table began.", ("relname",)
)

_VACUUM = ("datname", "relname")
VACUUM_PHASE = gauge("pg_stat_progress_vacuum_phase", "Whether the vacuum is in that phase.", ("datname", "relname", "phase"))
VACUUM_BLKS = gauge("pg_stat_progress_vacuum_heap_blks", "Blocks of the table when the vacuum began.", _VACUUM)
VACUUM_SCANNED = gauge("pg_stat_progress_vacuum_heap_blks_scanned", "Blocks scanned so far.", _VACUUM)
VACUUM_VACUUMED = gauge("pg_stat_progress_vacuum_heap_blks_vacuumed", "Blocks vacuumed so far.", _VACUUM)
VACUUM_INDEXES = gauge("pg_stat_progress_vacuum_index_vacuums", "Completed passes over the indexes.", _VACUUM)
VACUUM_MAX_DEAD = gauge(
    "pg_stat_progress_vacuum_max_dead_tuples", "Dead rows that fit in memory before a pass over the indexes; up to PostgreSQL 16.", _VACUUM
)
VACUUM_NUM_DEAD = gauge("pg_stat_progress_vacuum_num_dead_tuples", "Dead rows found since the last pass over the indexes.", _VACUUM)
VACUUM_MAX_BYTES = gauge(
    "pg_stat_progress_vacuum_max_dead_tuple_bytes", "Memory for dead rows before a pass over the indexes, PostgreSQL 17 and newer.", _VACUUM
)
VACUUM_NUM_BYTES = gauge(
    "pg_stat_progress_vacuum_dead_tuple_bytes", "Memory that dead rows use since the last pass, PostgreSQL 17 and newer.", _VACUUM
)

_RECEIVER = ("upstream_host", "slot_name", "status")
RECEIVER_START = counter("pg_stat_wal_receiver_receive_start_lsn", "First position that the receiver asked for.", _RECEIVER, unit="bytes")
RECEIVER_FLUSHED = counter("pg_stat_wal_receiver_flushed_lsn", "Last position received and flushed.", _RECEIVER, unit="bytes")
RECEIVER_SENT = counter(
    "pg_stat_wal_receiver_last_msg_send_time", "Unix time at which the last message was sent.", _RECEIVER, unit="seconds"
)
RECEIVER_RECEIVED = counter(
    "pg_stat_wal_receiver_last_msg_receipt_time", "Unix time at which the last message was received.", _RECEIVER, unit="seconds"
)
RECEIVER_END_LSN = counter("pg_stat_wal_receiver_latest_end_lsn", "Last position that was reported to the sender.", _RECEIVER, unit="bytes")
RECEIVER_END_TIME = counter(
    "pg_stat_wal_receiver_latest_end_time", "Unix time of the last position that was reported to the sender.", _RECEIVER, unit="seconds"
)
RECEIVER_START_TLI = gauge("pg_stat_wal_receiver_receive_start_tli", "First timeline that the receiver asked for.", _RECEIVER)
RECEIVER_TLI = gauge("pg_stat_wal_receiver_received_tli", "Timeline of the last position received.", _RECEIVER)
RECEIVER_NODE = gauge("pg_stat_wal_receiver_upstream_node", "Port of the server that is followed.", _RECEIVER)

WAL_SEGMENTS = gauge("pg_wal_segments", "Log segments on disk.")
WAL_SIZE = gauge("pg_wal_size_bytes", "Disk space of the log segments.")

_CONFLICT = ("datid", "datname", "server")
CONFLICT_TABLESPACE = counter("pg_stat_database_conflicts_confl_tablespace", "Queries cancelled by a dropped tablespace.", _CONFLICT)
CONFLICT_LOCK = counter("pg_stat_database_conflicts_confl_lock", "Queries cancelled by a lock that replay needed.", _CONFLICT)
CONFLICT_SNAPSHOT = counter(
    "pg_stat_database_conflicts_confl_snapshot", "Queries cancelled because rows they needed were removed.", _CONFLICT
)
CONFLICT_BUFFERPIN = counter("pg_stat_database_conflicts_confl_bufferpin", "Queries cancelled by pinned buffers.", _CONFLICT)
CONFLICT_DEADLOCK = counter("pg_stat_database_conflicts_confl_deadlock", "Queries cancelled by a deadlock with replay.", _CONFLICT)
CONFLICT_SLOT = untyped(  # the reference exporter does not know the column, and serves it all the same
    "pg_stat_database_conflicts_confl_active_logicalslot", "Uses of logical slots cancelled, PostgreSQL 16 and newer.", _CONFLICT
)

_STATEMENT = ("user", "datname", "queryid")
STATEMENTS_CALLS = counter("pg_stat_statements_calls_total", "Executions of the statement.", _STATEMENT)
STATEMENTS_SECONDS = counter("pg_stat_statements_seconds_total", "Time spent executing the statement.", _STATEMENT)
STATEMENTS_ROWS = counter("pg_stat_statements_rows_total", "Rows that the statement returned or changed.", _STATEMENT)
STATEMENTS_READ = counter("pg_stat_statements_block_read_seconds_total", "Time spent reading blocks for the statement.", _STATEMENT)
STATEMENTS_WRITE = counter("pg_stat_statements_block_write_seconds_total", "Time spent writing blocks for the statement.", _STATEMENT)
STATEMENTS_TEXT = Metric(
    "pg_stat_statements_query_id", "counter", "Text of the statement, 120 characters at most; always 1.", ("queryid", "query"), unit="info"
)

_TABLE = ("datname", "schemaname", "relname")
TABLE_SEQ_SCAN = counter("pg_stat_user_tables_seq_scan", "Sequential scans of the table.", _TABLE)
TABLE_SEQ_READ = counter("pg_stat_user_tables_seq_tup_read", "Live rows fetched by sequential scans.", _TABLE)
TABLE_IDX_SCAN = counter("pg_stat_user_tables_idx_scan", "Index scans of the table.", _TABLE)
TABLE_IDX_FETCH = counter("pg_stat_user_tables_idx_tup_fetch", "Live rows fetched by index scans.", _TABLE)
TABLE_INS = counter("pg_stat_user_tables_n_tup_ins", "Rows inserted.", _TABLE)
TABLE_UPD = counter("pg_stat_user_tables_n_tup_upd", "Rows updated.", _TABLE)
TABLE_DEL = counter("pg_stat_user_tables_n_tup_del", "Rows deleted.", _TABLE)
TABLE_HOT_UPD = counter("pg_stat_user_tables_n_tup_hot_upd", "Rows updated without a new index entry.", _TABLE)
TABLE_LIVE = gauge("pg_stat_user_tables_n_live_tup", "Estimated live rows.", _TABLE)
TABLE_DEAD = gauge("pg_stat_user_tables_n_dead_tup", "Estimated dead rows.", _TABLE)
TABLE_MOD = gauge("pg_stat_user_tables_n_mod_since_analyze", "Estimated rows changed since the last analyze.", _TABLE)
TABLE_LAST_VACUUM = gauge("pg_stat_user_tables_last_vacuum", "Unix time of the last vacuum by hand; 0 is never.", _TABLE, unit="seconds")
TABLE_LAST_AUTOVACUUM = gauge(
    "pg_stat_user_tables_last_autovacuum", "Unix time of the last autovacuum; 0 is never.", _TABLE, unit="seconds"
)
TABLE_LAST_ANALYZE = gauge("pg_stat_user_tables_last_analyze", "Unix time of the last analyze by hand; 0 is never.", _TABLE, unit="seconds")
TABLE_LAST_AUTOANALYZE = gauge(
    "pg_stat_user_tables_last_autoanalyze", "Unix time of the last autoanalyze; 0 is never.", _TABLE, unit="seconds"
)
TABLE_VACUUMS = counter("pg_stat_user_tables_vacuum_count", "Vacuums by hand.", _TABLE)
TABLE_AUTOVACUUMS = counter("pg_stat_user_tables_autovacuum_count", "Autovacuums.", _TABLE)
TABLE_ANALYZES = counter("pg_stat_user_tables_analyze_count", "Analyzes by hand.", _TABLE)
TABLE_AUTOANALYZES = counter("pg_stat_user_tables_autoanalyze_count", "Autoanalyzes.", _TABLE)
TABLE_INDEX_SIZE = gauge("pg_stat_user_tables_index_size_bytes", "Size of the table's indexes; of a locked table an estimate.", _TABLE)
TABLE_SIZE = gauge("pg_stat_user_tables_table_size_bytes", "Size of the table without indexes; of a locked table an estimate.", _TABLE)

TABLE_HEAP_READ = counter("pg_statio_user_tables_heap_blocks_read", "Blocks of the table read from disk.", _TABLE)
TABLE_HEAP_HIT = counter("pg_statio_user_tables_heap_blocks_hit", "Blocks of the table found in the buffer cache.", _TABLE)
TABLE_IDX_READ = counter("pg_statio_user_tables_idx_blocks_read", "Blocks of the table's indexes read from disk.", _TABLE)
TABLE_IDX_HIT = counter("pg_statio_user_tables_idx_blocks_hit", "Blocks of the table's indexes found in the buffer cache.", _TABLE)
TABLE_TOAST_READ = counter("pg_statio_user_tables_toast_blocks_read", "Blocks of the TOAST table read from disk.", _TABLE)
TABLE_TOAST_HIT = counter("pg_statio_user_tables_toast_blocks_hit", "Blocks of the TOAST table found in the buffer cache.", _TABLE)
TABLE_TIDX_READ = counter("pg_statio_user_tables_tidx_blocks_read", "Blocks of the TOAST table's index read from disk.", _TABLE)
TABLE_TIDX_HIT = counter("pg_statio_user_tables_tidx_blocks_hit", "Blocks of the TOAST table's index found in the buffer cache.", _TABLE)

# postgres_exporter asks one database only and gives no datname; two databases may hold an index of the same name.
_INDEX = ("datname", "schemaname", "relname", "indexrelname")
INDEX_READ = counter("pg_statio_user_indexes_idx_blks_read_total", "Blocks of the index read from disk.", _INDEX)
INDEX_HIT = counter("pg_statio_user_indexes_idx_blks_hit_total", "Blocks of the index found in the buffer cache.", _INDEX)

CACHE_USED = gauge("pg_buffercache_summary_buffers_used", "Buffers in use.")
CACHE_UNUSED = gauge("pg_buffercache_summary_buffers_unused", "Buffers not in use.")
CACHE_DIRTY = gauge("pg_buffercache_summary_buffers_dirty", "Buffers that must still be written.")
CACHE_PINNED = gauge("pg_buffercache_summary_buffers_pinned", "Buffers that somebody holds.")
CACHE_USAGE = gauge("pg_buffercache_summary_usagecount_avg", "Average usage count of the buffers in use.", unit="count")

# What no reference exporter serves: ours alone, so under our own name.

BLOCKED_SESSIONS = gauge("tocsin_pg_blocked_sessions", "Sessions that wait for a lock that somebody else holds.", ("datname",))
BLOCKED_SECONDS = gauge("tocsin_pg_blocked_oldest_seconds", "How long the session that has waited longest has waited.", ("datname",))
_BLOCKER = ("datname", "usename", "application_name", "state")
BLOCKING_SESSIONS = gauge(
    "tocsin_pg_blocking_sessions", "Sessions that others wait for and that wait for nobody: the roots of the tree.", _BLOCKER
)
BLOCKING_WAITERS = gauge("tocsin_pg_blocking_waiters", "Sessions that wait behind these roots, directly or through others.", _BLOCKER)
SESSION_SECONDS = counter(
    "tocsin_pg_session_seconds_total", "Time that sessions spent by what they did, PostgreSQL 14 and newer.", ("datname", "activity")
)
SESSIONS = counter("tocsin_pg_sessions_total", "Sessions that were opened, PostgreSQL 14 and newer.", ("datname",))
SESSIONS_LOST = counter(
    "tocsin_pg_sessions_lost_total",
    "Sessions that ended by a lost client (abandoned), an error (fatal) or an operator (killed), PostgreSQL 14 and newer.",
    ("datname", "reason"),
)
SSL_CONNECTIONS = gauge("tocsin_pg_ssl_connections", "Client connections by encryption; version is empty without.", ("version",))
WAL_RECORDS = counter("tocsin_pg_wal_records_total", "Log records written, PostgreSQL 14 and newer.")
WAL_FULL_PAGES = counter("tocsin_pg_wal_full_page_images_total", "Full pages written to the log, PostgreSQL 14 and newer.")
WAL_BYTES = counter("tocsin_pg_wal_bytes_total", "Bytes of log written, PostgreSQL 14 and newer.")
WAL_BUFFERS_FULL = counter(
    "tocsin_pg_wal_buffers_full_total", "Times that log was written early because wal_buffers was full, PostgreSQL 14 and newer."
)
WAL_WRITES = counter("tocsin_pg_wal_writes_total", "Writes of log buffers to disk, PostgreSQL 14 to 17.")
WAL_SYNCS = counter("tocsin_pg_wal_syncs_total", "Syncs of log files, PostgreSQL 14 to 17.")
WAL_WRITE_SECONDS = counter("tocsin_pg_wal_write_seconds_total", "Time spent writing log, PostgreSQL 14 to 17 with track_wal_io_timing.")
WAL_SYNC_SECONDS = counter("tocsin_pg_wal_sync_seconds_total", "Time spent syncing log, PostgreSQL 14 to 17 with track_wal_io_timing.")
RECEIVER_STREAMING = gauge(
    "tocsin_pg_wal_receiver_streaming",
    "Whether a standby receives from the server that it is configured to follow; absent where none is configured.",
)

_IO = ("backend_type", "object", "context", "operation")
IO_OPERATIONS = counter("tocsin_pg_io_operations_total", "Reads, writes and cache operations of pg_stat_io, PostgreSQL 16 and newer.", _IO)
IO_BYTES = counter("tocsin_pg_io_bytes_total", "Bytes read, written and added to files by pg_stat_io, PostgreSQL 16 and newer.", _IO)
IO_SECONDS = counter(
    "tocsin_pg_io_seconds_total", "Time that these operations took, PostgreSQL 16 and newer; absent without track_io_timing.", _IO
)
SLRU_OPERATIONS = counter(
    "tocsin_pg_slru_operations_total",
    "Blocks zeroed, hit, read and written, flushes and truncates of the small caches for transaction state.",
    ("slru", "operation"),
)

SEQUENCE_USED = gauge(
    "tocsin_pg_sequence_used_ratio",
    "Share of a sequence's values that is used up, or of what the column that it fills can hold; the fullest of each database.",
    (*_TABLE[:2], "sequencename"),
)
SEQUENCES_UNREADABLE = gauge(
    "tocsin_pg_sequences_unreadable", "Sequences that the role may not read: it needs SELECT on them.", ("datname",)
)
UNUSED_INDEX = gauge(
    "tocsin_pg_unused_index_bytes",
    "Size of an index that no scan used since the statistics were reset, here at least: a standby counts for itself. The largest only.",
    _INDEX,
)
UNUSED_INDEXES = gauge(
    "tocsin_pg_unused_indexes", "Indexes that no scan used since the statistics were reset, those of constraints left out.", ("datname",)
)
UNUSED_INDEXES_SIZE = gauge("tocsin_pg_unused_indexes_size_bytes", "Size of all indexes that no scan used.", ("datname",))
REDUNDANT_INDEX = gauge(
    "tocsin_pg_redundant_index_bytes",
    "Size of an index that covered_by makes superfluous: equal to it (duplicate), or its first columns (prefix). The largest only.",
    (*_INDEX, "covered_by", "kind"),
)
REDUNDANT_INDEXES = gauge("tocsin_pg_redundant_indexes", "Indexes that another one makes superfluous.", ("datname", "kind"))
REDUNDANT_INDEXES_SIZE = gauge(
    "tocsin_pg_redundant_indexes_size_bytes", "Size of all indexes that another one makes superfluous.", ("datname", "kind")
)
_ESTIMATE = "by estimate from the widths that the last ANALYZE saw and the page layout of the manual. The worst only, of 1 MiB and more."
TABLE_BLOAT = gauge("tocsin_pg_table_bloat_bytes", f"Space of the table that its rows do not need, {_ESTIMATE}", _TABLE)
TABLE_BLOAT_RATIO = gauge("tocsin_pg_table_bloat_ratio", "The same as a share of the table, without its TOAST.", _TABLE)
INDEX_BLOAT = gauge(
    "tocsin_pg_index_bloat_bytes",
    f"Space of the B-tree that its entries do not need, {_ESTIMATE} Many equal keys, stored once, hide it.",
    _INDEX,
)
INDEX_BLOAT_RATIO = gauge("tocsin_pg_index_bloat_ratio", "The same as a share of the index; random inserts alone make 0.25 of it.", _INDEX)
BLOAT = gauge("tocsin_pg_bloat_bytes", "Estimated bloat of all tables or B-trees of 1 MiB and more.", ("datname", "kind"))
BLOAT_UNKNOWN = gauge(
    "tocsin_pg_bloat_unknown",
    "Tables or B-trees of 1 MiB and more whose bloat cannot be estimated: not analysed, or the role may not see the widths.",
    ("datname", "kind"),
)

SCHEMA_TRIGGER_INSTALLED = gauge(
    "tocsin_pg_schema_trigger_installed", "Whether the database has the event triggers that tell of schema changes at once.", ("database",)
)
SCHEMA_TRIGGER_ENABLED = gauge(
    "tocsin_pg_schema_trigger_enabled",
    "Whether these event triggers act: enabled, and max_prepared_transactions is 0; absent without them.",
    ("database",),
)

THRESHOLDS = (
    Threshold("archive_failures", "Failed attempts to archive a log segment within 10 minutes without a success.", "count", 2, 8),
    Threshold("inactive_slot_wal_bytes", "Log that a replication slot holds back while nobody reads from it.", "bytes", 250e6, 10e9),
    Threshold("connections_ratio", "Connections in use as a share of max_connections.", "ratio", 0.8, 0.95),
    Threshold("transaction_age_seconds", "Age of the oldest open transaction.", "seconds", 600, 3600),
    Threshold("blocked_seconds", "Time that the session which has waited longest for a lock has waited.", "seconds", 60, 600),
    Threshold("sequence_used_ratio", "Share of a sequence's values that is used up.", "ratio", 0.7, 0.9),
    Threshold("replication_lag_seconds", "Seconds by which a standby's replay is behind.", "seconds", 30, 300),
    Threshold("deadlocks_per_hour", "Deadlocks in a database within an hour.", "count", 5, 100),
    Threshold("checkpoints_requested_per_hour", "Checkpoints within an hour that were not due by time.", "count", 12, None),
    Threshold("dead_rows_ratio", "Dead rows as a share of a table's rows, where there are over 100,000 of them.", "ratio", 0.4, None),
    Threshold("database_growth_ratio", "Growth of a database within a day, as a share of its size a day before.", "ratio", 0.5, 2.0),
    Threshold("wraparound_ratio", "Age of a database's oldest transaction or multixact id, as a share of 2^31.", "ratio", 0.5, 0.75),
    Threshold("slot_wal_bytes", "Log that a replication slot holds back.", "bytes", 10e9, 50e9),
    Threshold("connections_left_seconds", "Time until all connections are in use, by forecast.", "seconds", 1800, 600),
    Threshold("wraparound_left_seconds", "Time until transaction or multixact ids run out, by forecast.", "seconds", 7 * 86400, 2 * 86400),
    Threshold("slot_wal_left_seconds", "Time until a slot holds back the critical slot_wal_bytes, by forecast.", "seconds", 21600, 3600),
    Threshold("database_growth_bytes", "Growth of a database within the next week, by forecast.", "bytes", 100e9, None),
)
