"""The series of a MySQL or MariaDB target: names, types and labels of mysqld_exporter 0.20."""

from __future__ import annotations

from tocsin.metric import Metric, MetricFamily, counter, gauge, info, summary
from tocsin.source import Threshold

UP = gauge("mysql_up", "Whether the last attempt to reach the server succeeded.")
COLLECTOR_SUCCESS = gauge("mysql_exporter_collector_success", "Whether the collector's last run succeeded.", ("collector",))
COLLECTOR_DURATION = gauge("mysql_exporter_collector_duration_seconds", "How long the collector's last run took.", ("collector",))

# SHOW GLOBAL STATUS

STATUS = MetricFamily(
    "mysql_global_status_<name>",
    "untyped",
    "Status variable <name>; `on` and `yes` are 1, a date is Unix time.",
    r"mysql_global_status_\w+",
)
STATUS_COMMANDS = counter("mysql_global_status_commands_total", "Statements by kind, the Com_ variables.", ("command",))
STATUS_HANDLERS = counter("mysql_global_status_handlers_total", "Calls to storage engines, the Handler_ variables.", ("handler",))
STATUS_CONNECTION_ERRORS = counter(
    "mysql_global_status_connection_errors_total", "Connections that the server failed to accept.", ("error",)
)
STATUS_POOL_PAGES = gauge("mysql_global_status_buffer_pool_pages", "Pages of the InnoDB buffer pool by state.", ("state",))
STATUS_DIRTY_PAGES = gauge("mysql_global_status_buffer_pool_dirty_pages", "Pages of the InnoDB buffer pool that wait to be written.")
STATUS_PAGE_CHANGES = counter(
    "mysql_global_status_buffer_pool_page_changes_total", "Changes of pages of the InnoDB buffer pool.", ("operation",)
)
STATUS_ROW_OPS = counter("mysql_global_status_innodb_row_ops_total", "Rows that InnoDB read, inserted, updated or deleted.", ("operation",))
STATUS_LOST = counter(
    "mysql_global_status_performance_schema_lost_total",
    "Instruments that performance_schema had no room for; its numbers are incomplete then.",
    ("instrumentation",),
)
GALERA_STATUS = info(
    "mysql_galera_status_info",
    "The Galera cluster that the node belongs to.",
    ("wsrep_local_state_uuid", "wsrep_cluster_state_uuid", "wsrep_provider_version"),
)  # fmt: skip
_EVS = "of the latency of group communication, wsrep_evs_repl_latency."
EVS_LATENCY = (
    gauge("mysql_galera_evs_repl_latency_min_seconds", f"Minimum {_EVS}"),
    gauge("mysql_galera_evs_repl_latency_avg_seconds", f"Average {_EVS}"),
    gauge("mysql_galera_evs_repl_latency_max_seconds", f"Maximum {_EVS}"),
    gauge("mysql_galera_evs_repl_latency_stdev", f"Standard deviation {_EVS}", unit="seconds"),
    gauge("mysql_galera_evs_repl_latency_sample_size", f"Sample size {_EVS}"),
)

# SHOW GLOBAL VARIABLES

VARIABLES = MetricFamily(
    "mysql_global_variables_<name>", "gauge", "System variable <name>; `on` and `yes` are 1.", r"mysql_global_variables_\w+"
)
VERSION = info("mysql_version_info", "Version of the server; always 1.", ("innodb_version", "version", "version_comment"))
GALERA_VARIABLES = info("mysql_galera_variables_info", "Name of the Galera cluster; always 1.", ("wsrep_cluster_name",))
GCACHE = gauge("mysql_galera_gcache_size_bytes", "Size of the write-set cache that a node can catch up from.")
ISOLATION = info("mysql_transaction_isolation", "Default isolation level of transactions; always 1.", ("level",))

# SHOW REPLICA STATUS, SHOW ALL SLAVES STATUS

_CHANNEL = ("master_host", "master_uuid", "channel_name", "connection_name")
REPLICA = MetricFamily(
    "mysql_slave_status_<column>",
    "untyped",
    "Column <column> of the replica's status; `Yes` is 1, `No` and `Connecting` are 0. New columns are there under their old names too.",
    r"mysql_slave_status_(?!gtid_(?:io|slave)_pos$)\w+",
    _CHANNEL,
)
GTID_IO = gauge(
    "mysql_slave_status_gtid_io_pos", "Sequence number of the last transaction received, MariaDB.", (*_CHANNEL, "domain_id", "server_id")
)
GTID_SLAVE = gauge(
    "mysql_slave_status_gtid_slave_pos", "Sequence number of the last transaction applied, MariaDB.", (*_CHANNEL, "domain_id", "server_id")
)

# information_schema

TRANSACTIONS = gauge("tocsin_mysql_transactions", "InnoDB transactions that are open now, this exporter's own left out.")
OLDEST_TRANSACTION = gauge("tocsin_mysql_oldest_transaction_seconds", "Age of the oldest open InnoDB transaction; 0 without one.")
LOCK_WAITS = gauge("tocsin_mysql_transactions_waiting", "InnoDB transactions that wait for a lock now.")
DATABASE_SIZE = gauge("tocsin_mysql_database_size_bytes", "Disk space of the database's InnoDB files.", ("schema",))

_CMP = "of compressed InnoDB pages"
CMP: tuple[Metric, ...] = (
    counter("mysql_info_schema_innodb_cmp_compress_ops_total", f"Compressions {_CMP}.", ("page_size",)),
    counter("mysql_info_schema_innodb_cmp_compress_ops_ok_total", f"Successful compressions {_CMP}.", ("page_size",)),
    counter("mysql_info_schema_innodb_cmp_compress_time_seconds_total", f"Time spent on compressions {_CMP}.", ("page_size",)),
    counter("mysql_info_schema_innodb_cmp_uncompress_ops_total", f"Decompressions {_CMP}.", ("page_size",)),
    counter("mysql_info_schema_innodb_cmp_uncompress_time_seconds_total", f"Time spent on decompressions {_CMP}.", ("page_size",)),
)
_POOL = ("page_size", "buffer_pool")
CMPMEM: tuple[Metric, ...] = (
    counter("mysql_info_schema_innodb_cmpmem_pages_used_total", "Blocks of the size that are in use.", _POOL),
    counter("mysql_info_schema_innodb_cmpmem_pages_free_total", "Blocks of the size that are free.", _POOL),
    counter("mysql_info_schema_innodb_cmpmem_relocation_ops_total", "Times that a block of the size was moved.", _POOL),
    counter("mysql_info_schema_innodb_cmpmem_relocation_time_seconds_total", "Time spent moving blocks of the size.", _POOL),
)
_RESPONSE = "statements by the time they took; the plugin query_response_time counts them."
RESPONSE_TIME = Metric("mysql_info_schema_query_response_time_seconds", "histogram", f"All {_RESPONSE}")
RESPONSE_TIME_READ = Metric("mysql_info_schema_read_query_response_time_seconds", "histogram", f"Reading {_RESPONSE}")
RESPONSE_TIME_WRITE = Metric("mysql_info_schema_write_query_response_time_seconds", "histogram", f"Writing {_RESPONSE}")

PROCESSLIST_THREADS = gauge("mysql_info_schema_processlist_threads", "Connections by command and state.", ("command", "state"))
PROCESSLIST_SECONDS = gauge(
    "mysql_info_schema_processlist_seconds", "Time that connections have been in their state.", ("command", "state")
)
PROCESSES_BY_USER = gauge("mysql_info_schema_processlist_processes_by_user", "Connections of each user.", ("mysql_user",))
PROCESSES_BY_HOST = gauge("mysql_info_schema_processlist_processes_by_host", "Connections from each host.", ("client_host",))

_TABLE = ("schema", "table")
TABLE_VERSION = gauge(
    "mysql_info_schema_table_version",
    "Version of the table's definition file.",
    (*_TABLE, "type", "engine", "row_format", "create_options"),
)
TABLE_ROWS = gauge("mysql_info_schema_table_rows", "Rows of the table; an estimate for InnoDB.", _TABLE)
TABLE_SIZE = gauge(
    "mysql_info_schema_table_size", "Bytes of the table's data, indexes and free space.", (*_TABLE, "component"), unit="bytes"
)

AUTO_INCREMENT = gauge("mysql_info_schema_auto_increment_column", "Next value of the AUTO_INCREMENT column.", (*_TABLE, "column"))
AUTO_INCREMENT_MAX = gauge(
    "mysql_info_schema_auto_increment_column_max", "Largest value that the AUTO_INCREMENT column can hold.", (*_TABLE, "column")
)

INNODB_COUNTERS = MetricFamily(
    "mysql_info_schema_innodb_metrics_<subsystem>_<name>_total", "counter", "InnoDB's own counter <name>.",
    r"mysql_info_schema_innodb_metrics_(?!buffer_page_(?:read|written)_total$)\w+_total",
)  # fmt: skip
INNODB_GAUGES = MetricFamily(
    "mysql_info_schema_innodb_metrics_<subsystem>_<name>", "gauge", "InnoDB's own measurement <name>.",
    r"mysql_info_schema_innodb_metrics_(?!buffer_pool_pages$|buffer_pool_dirty_pages$)\w+",
)  # fmt: skip
INNODB_PAGE_READ = counter("mysql_info_schema_innodb_metrics_buffer_page_read_total", "Buffer pages read by type.", ("type",))
INNODB_PAGE_WRITTEN = counter("mysql_info_schema_innodb_metrics_buffer_page_written_total", "Buffer pages written by type.", ("type",))
INNODB_POOL_PAGES = gauge("mysql_info_schema_innodb_metrics_buffer_pool_pages", "Pages of the buffer pool by state.", ("state",))
INNODB_DIRTY_PAGES = gauge("mysql_info_schema_innodb_metrics_buffer_pool_dirty_pages", "Pages of the buffer pool that wait to be written.")

TABLESPACE_INFO = gauge(
    "mysql_info_schema_innodb_tablespace_space_info",
    "Number of the tablespace.",
    ("tablespace_name", "file_format", "row_format", "space_type"),
    unit="none",
)
TABLESPACE_FILE = gauge(
    "mysql_info_schema_innodb_tablespace_file_size_bytes", "Apparent size of the tablespace's file.", ("tablespace_name",)
)
TABLESPACE_ALLOCATED = gauge(
    "mysql_info_schema_innodb_tablespace_allocated_size_bytes", "Space on disk that the tablespace's file takes.", ("tablespace_name",)
)

STATISTICS = {
    "total_connections": "Connections made.",
    "concurrent_connections": "Connections that were open at once.",
    "connected_time": "Time that connections were open.",
    "busy_time": "Time that connections spent on statements.",
    "cpu_time": "Processor time spent on statements.",
    "bytes_received": "Bytes received.",
    "bytes_sent": "Bytes sent.",
    "binlog_bytes_written": "Bytes written to the binary log.",
    "rows_read": "Rows read.",
    "rows_sent": "Rows sent.",
    "rows_deleted": "Rows deleted.",
    "rows_inserted": "Rows inserted.",
    "rows_fetched": "Rows fetched.",
    "rows_updated": "Rows updated.",
    "table_rows_read": "Rows read from tables.",
    "select_commands": "SELECT statements.",
    "update_commands": "Statements that change data.",
    "other_commands": "Other statements.",
    "commit_transactions": "Transactions committed.",
    "rollback_transactions": "Transactions rolled back.",
    "denied_connections": "Connections denied.",
    "lost_connections": "Connections that ended without a goodbye.",
    "access_denied": "Statements denied.",
    "empty_queries": "Statements that returned nothing.",
    "total_ssl_connections": "Connections with TLS.",
}
"""The columns of user_statistics and client_statistics (Percona Server and MariaDB, with userstat=ON)."""

_STATISTICS_NAMES = {
    "total_connections": "total_connections",
    "concurrent_connections": "concurrent_connections",
    "connected_time": "connected_time_seconds_total",
    "busy_time": "busy_seconds_total",
    "cpu_time": "cpu_time_seconds_total",
}
"""Those that are not simply called <column>_total."""


def _statistics(of: str) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for column, help in STATISTICS.items():
        name = f"mysql_info_schema_{of}_statistics_{_STATISTICS_NAMES.get(column, f'{column}_total')}"
        found[column] = Metric(name, "gauge" if column == "concurrent_connections" else "counter", f"By {of}: {help}", (of,))
    return found


USER_STATISTICS = _statistics("user") | {
    "max_statement_time_exceeded": Metric(
        "mysql_info_schema_user_statistics_max_statement_time_exceeded",
        "untyped",
        "By user: Statements stopped by their time limit.",
        ("user",),
    )
}
CLIENT_STATISTICS = _statistics("client") | {
    "max_statement_time_exceeded": counter(
        "mysql_info_schema_client_statistics_max_statement_time_exceeded_total",
        "By client: Statements stopped by their time limit.",
        ("client",),
    )
}
TABLE_STATISTICS: tuple[Metric, ...] = (
    counter("mysql_info_schema_table_statistics_rows_read_total", "Rows read from the table.", _TABLE),
    counter("mysql_info_schema_table_statistics_rows_changed_total", "Rows changed in the table.", _TABLE),
    counter("mysql_info_schema_table_statistics_rows_changed_x_indexes_total", "Rows changed times indexes of the table.", _TABLE),
)
SCHEMA_STATISTICS: tuple[Metric, ...] = (
    counter("mysql_info_schema_schema_statistics_rows_read_total", "Rows read from the schema's tables.", ("schema",)),
    counter("mysql_info_schema_schema_statistics_rows_changed_total", "Rows changed in the schema's tables.", ("schema",)),
    counter("mysql_info_schema_schema_statistics_rows_changed_x_indexes_total", "Rows changed times indexes of their tables.", ("schema",)),
)
_HOST = ("server_id", "role")
AURORA: tuple[Metric, ...] = (
    gauge("mysql_info_schema_replica_host_cpu_percent", "Processor use of the Aurora host, in percent.", _HOST),
    gauge("mysql_info_schema_replica_host_replica_latency_seconds", "Latency between the Aurora hosts.", _HOST),
    gauge("mysql_info_schema_replica_host_lag_seconds", "Lag of the Aurora replica.", _HOST),
    gauge("mysql_info_schema_replica_host_log_stream_speed", "Speed of the log stream, in KiB a second.", _HOST),
    gauge("mysql_info_schema_replica_host_replay_latency_seconds", "Latency of replay on the Aurora replica.", _HOST),
)

# performance_schema

_DIGEST = ("schema", "digest", "digest_text")
STATEMENTS: tuple[Metric, ...] = (
    counter("mysql_perf_schema_events_statements_total", "Executions of the statement.", _DIGEST),
    counter("mysql_perf_schema_events_statements_seconds_total", "Time spent on the statement.", _DIGEST),
    counter("mysql_perf_schema_events_statements_lock_time_seconds_total", "Time that the statement waited for locks.", _DIGEST),
    counter("mysql_perf_schema_events_statements_errors_total", "Errors of the statement.", _DIGEST),
    counter("mysql_perf_schema_events_statements_warnings_total", "Warnings of the statement.", _DIGEST),
    counter("mysql_perf_schema_events_statements_rows_affected_total", "Rows that the statement affected.", _DIGEST),
    counter("mysql_perf_schema_events_statements_rows_sent_total", "Rows that the statement returned.", _DIGEST),
    counter("mysql_perf_schema_events_statements_rows_examined_total", "Rows that the statement examined.", _DIGEST),
    counter("mysql_perf_schema_events_statements_tmp_tables_total", "Temporary tables of the statement.", _DIGEST),
    counter("mysql_perf_schema_events_statements_tmp_disk_tables_total", "Temporary tables of the statement that went to disk.", _DIGEST),
    counter("mysql_perf_schema_events_statements_sort_merge_passes_total", "Merge passes of the statement's sorts.", _DIGEST),
    counter("mysql_perf_schema_events_statements_sort_rows_total", "Rows that the statement sorted.", _DIGEST),
    counter("mysql_perf_schema_events_statements_no_index_used_total", "Executions of the statement that used no index.", _DIGEST),
)
STATEMENTS_CPU = counter("mysql_perf_schema_events_statements_cpu_time_seconds_total", "Processor time spent on the statement.", _DIGEST)
STATEMENTS_LATENCY, STATEMENTS_LATENCY_SUM, STATEMENTS_LATENCY_COUNT = summary(
    "mysql_perf_schema_events_statements_latency",
    "Time that executions of the statement took; the quantiles are called 95, 99 and 999.",
    _DIGEST,
    unit="seconds",
)
STATEMENTS_SUM: dict[str, Metric] = {
    name: counter(f"mysql_perf_schema_events_statements_sum_{name}", f"Of all statements: {help}", unit=unit)
    for name, help, unit in (
        ("total", "executions.", ""),
        ("created_tmp_disk_tables", "temporary tables that went to disk.", ""),
        ("created_tmp_tables", "temporary tables.", ""),
        ("errors", "errors.", ""),
        ("lock_time", "time that they waited for locks, in picoseconds.", "none"),
        ("no_good_index_used", "executions that found no good index.", ""),
        ("no_index_used", "executions that used no index.", ""),
        ("rows_affected", "rows affected.", ""),
        ("rows_examined", "rows examined.", ""),
        ("rows_sent", "rows returned.", ""),
        ("select_full_join", "joins without an index.", ""),
        ("select_full_range_join", "joins that used a range search on a table before.", ""),
        ("select_range", "joins that used a range of the first table.", ""),
        ("select_range_check", "joins without keys that checked for keys after each row.", ""),
        ("select_scan", "joins that scanned the first table.", ""),
        ("sort_merge_passes", "merge passes of sorts.", ""),
        ("sort_range", "sorts by a range.", ""),
        ("sort_rows", "rows sorted.", ""),
        ("sort_scan", "sorts that scanned the table.", ""),
        ("timer_wait", "time spent, in seconds.", "seconds"),
        ("warnings", "warnings.", ""),
    )
}
WAITS = counter("mysql_perf_schema_events_waits_total", "Waits for the event.", ("event_name",))
WAITS_SECONDS = counter("mysql_perf_schema_events_waits_seconds_total", "Time spent waiting for the event.", ("event_name",))

_MODE = ("event_name", "mode")
FILE_EVENTS = counter("mysql_perf_schema_file_events_total", "Operations on files.", _MODE)
FILE_EVENTS_SECONDS = counter("mysql_perf_schema_file_events_seconds_total", "Time spent on operations on files.", _MODE)
FILE_EVENTS_BYTES = counter("mysql_perf_schema_file_events_bytes_total", "Bytes read from and written to files.", _MODE)
_FILE = ("file_name", "event_name", "mode")
FILE_INSTANCES = counter("mysql_perf_schema_file_instances_total", "Operations on the file.", _FILE)
FILE_INSTANCES_BYTES = counter("mysql_perf_schema_file_instances_bytes", "Bytes read from and written to the file.", _FILE)

_OPERATION = ("schema", "name", "operation")
TABLE_IO = counter("mysql_perf_schema_table_io_waits_total", "Operations on rows of the table.", _OPERATION)
TABLE_IO_SECONDS = counter("mysql_perf_schema_table_io_waits_seconds_total", "Time spent on rows of the table.", _OPERATION)
_INDEX = ("schema", "name", "index", "operation")
INDEX_IO = counter("mysql_perf_schema_index_io_waits_total", "Operations through the index; NONE: without one.", _INDEX)
INDEX_IO_SECONDS = counter("mysql_perf_schema_index_io_waits_seconds_total", "Time spent on operations through the index.", _INDEX)
SQL_LOCKS = counter("mysql_perf_schema_sql_lock_waits_total", "Locks of the table by the SQL layer.", _OPERATION)
SQL_LOCKS_SECONDS = counter("mysql_perf_schema_sql_lock_waits_seconds_total", "Time spent on locks by the SQL layer.", _OPERATION)
EXTERNAL_LOCKS = counter("mysql_perf_schema_external_lock_waits_total", "Locks of the table by the storage engine.", _OPERATION)
EXTERNAL_LOCKS_SECONDS = counter(
    "mysql_perf_schema_external_lock_waits_seconds_total", "Time spent on locks by the storage engine.", _OPERATION
)
MEMORY_ALLOCATED = counter("mysql_perf_schema_memory_events_alloc_bytes_total", "Bytes allocated for the event.", ("event_name",))
MEMORY_FREED = counter("mysql_perf_schema_memory_events_free_bytes_total", "Bytes freed for the event.", ("event_name",))
MEMORY_USED = gauge("mysql_perf_schema_memory_events_used_bytes", "Bytes that the event uses now.", ("event_name",))

GROUP_MEMBERS = info(
    "mysql_perf_schema_replication_group_member_info",
    "A member of the replication group; always 1.",
    (
        "channel_name", "member_id", "member_host", "member_port", "member_state", "member_role", "member_version",
        "member_communication_stack",
    ),
)  # fmt: skip
GROUP_STATS: tuple[Metric, ...] = (
    gauge("mysql_perf_schema_transactions_in_queue", "Transactions that wait for conflict detection."),
    counter("mysql_perf_schema_transactions_checked_total", "Transactions checked for conflicts."),
    counter("mysql_perf_schema_conflicts_detected_total", "Transactions that did not pass the check for conflicts."),
    counter("mysql_perf_schema_transactions_rows_validating_total", "Rows that can be used for certification and are not yet collected."),
    gauge("mysql_perf_schema_transactions_remote_in_applier_queue", "Transactions of the group that wait to be applied."),
    counter("mysql_perf_schema_transactions_remote_applied_total", "Transactions of the group that this member applied."),
    counter("mysql_perf_schema_transactions_local_proposed_total", "Transactions that this member sent to the group."),
    counter("mysql_perf_schema_transactions_local_rollback_total", "Transactions of this member that the group rolled back."),
)
_WORKER = ("channel_name", "member_id")
_OF_LAST, _OF_NOW = "of the last transaction applied.", "of the transaction that is applied now; 0 without one."
WORKERS: tuple[Metric, ...] = (
    gauge("mysql_perf_schema_last_applied_transaction_original_commit_timestamp_seconds", f"Commit on the origin {_OF_LAST}", _WORKER),
    gauge("mysql_perf_schema_last_applied_transaction_immediate_commit_timestamp_seconds", f"Commit on the source {_OF_LAST}", _WORKER),
    gauge("mysql_perf_schema_last_applied_transaction_start_apply_timestamp_seconds", f"Start {_OF_LAST}", _WORKER),
    gauge("mysql_perf_schema_last_applied_transaction_end_apply_timestamp_seconds", f"End {_OF_LAST}", _WORKER),
    gauge("mysql_perf_schema_applying_transaction_original_commit_timestamp_seconds", f"Commit on the origin {_OF_NOW}", _WORKER),
    gauge("mysql_perf_schema_applying_transaction_immediate_commit_timestamp_seconds", f"Commit on the source {_OF_NOW}", _WORKER),
    gauge("mysql_perf_schema_applying_transaction_start_apply_timestamp_seconds", f"Start {_OF_NOW}", _WORKER),
)

# The others

BINLOG_SIZE = gauge("mysql_binlog_size_bytes", "Size of all binary logs.")
BINLOG_FILES = gauge("mysql_binlog_files", "Binary logs that there are.")
BINLOG_NUMBER = gauge("mysql_binlog_file_number", "Number of the newest binary log.", unit="none")
HEARTBEAT_STORED = gauge("mysql_heartbeat_stored_timestamp_seconds", "Time in pt-heartbeat's table.", ("server_id",))
HEARTBEAT_NOW = gauge("mysql_heartbeat_now_timestamp_seconds", "Time of this server; less the stored one it is the lag.", ("server_id",))
SLAVE_HOSTS = info(
    "mysql_heartbeat_mysql_slave_hosts_info",
    "A replica that is registered with this server; always 1.",
    ("server_id", "slave_host", "port", "master_id", "slave_uuid"),
)
INNODB_QUERIES_INSIDE = gauge("mysql_engine_innodb_queries_inside_innodb", "Queries inside InnoDB.")
INNODB_QUERIES_QUEUED = gauge("mysql_engine_innodb_queries_in_queue", "Queries that wait to enter InnoDB.")
INNODB_READ_VIEWS = gauge("mysql_engine_innodb_read_views_open_inside_innodb", "Read views that are open inside InnoDB.")
TOKUDB = MetricFamily("mysql_engine_tokudb_<name>", "untyped", "Status <name> of TokuDB.", r"mysql_engine_tokudb_\w+")

_ACCOUNT = ("mysql_user", "hostmask")
ACCOUNTS: dict[str, Metric] = {
    f"max_{what}": gauge(f"mysql_mysql_max_{what}", f"Most {what.replace('_', ' ')} of the account, 0 for no limit of its own.", _ACCOUNT)
    for what in ("questions", "updates", "connections", "user_connections")
}
PRIVILEGES: dict[str, Metric] = {
    f"{name}_priv": gauge(f"mysql_mysql_{name}_priv", f"Whether the account has the global privilege {name}.", _ACCOUNT)
    for name in (
        "select", "insert", "update", "delete", "create", "drop", "reload", "shutdown", "process", "file", "grant", "references", "index",
        "alter", "show_db", "super", "create_tmp_table", "lock_tables", "execute", "repl_slave", "repl_client", "create_view", "show_view",
        "create_routine", "alter_routine", "create_user", "event", "trigger", "create_tablespace",
    )
}  # fmt: skip
SYS: tuple[Metric, ...] = (
    counter("mysql_sys_statements_total", "Statements of the user.", ("user",)),
    counter("mysql_sys_statement_latency", "Time spent on statements of the user, in seconds.", ("user",), unit="seconds"),
    counter("mysql_sys_table_scans_total", "Table scans of the user.", ("user",)),
    counter("mysql_sys_file_ios_total", "Operations on files for the user.", ("user",)),
    counter("mysql_sys_file_io_seconds_total", "Time spent on operations on files for the user.", ("user",)),
    gauge("mysql_sys_current_connections", "Connections of the user now.", ("user",)),
    counter("mysql_sys_connections_total", "Connections of the user.", ("user",)),
    counter("mysql_sys_unique_hosts_total", "Hosts that the user connected from.", ("user",)),
    gauge("mysql_sys_current_memory_bytes", "Memory that the user's connections use now.", ("user",)),
    counter("mysql_sys_memory_allocated_bytes_total", "Memory allocated for the user.", ("user",)),
)

THRESHOLDS = (
    Threshold("connections_ratio", "Connections in use as a share of max_connections.", "ratio", 0.8, 0.95),
    Threshold("transaction_age_seconds", "Age of the oldest open transaction.", "seconds", 600, 3600),
    Threshold("replication_lag_seconds", "Seconds by which a standby's replay is behind.", "seconds", 30, 300),
    Threshold("slow_statements_ratio", "Statements slower than long_query_time as a share of all statements.", "ratio", 0.05, None),
    Threshold("buffer_pool_miss_ratio", "Reads of pages that went to disk as a share of all reads of pages.", "ratio", 0.05, None),
    Threshold("auto_increment_ratio", "Next AUTO_INCREMENT value as a share of the largest that the column holds.", "ratio", 0.8, 0.95),
    Threshold("connections_left_seconds", "Time until all connections are in use, by forecast.", "seconds", 1800, 600),
    Threshold(
        "auto_increment_left_seconds", "Time until an AUTO_INCREMENT column is used up, by forecast.", "seconds", 30 * 86400, 7 * 86400
    ),
    Threshold("binlog_bytes", "Disk space of the binary logs.", "bytes", None, 200e9),
    Threshold(
        "binlog_left_seconds", "Time until the binary logs take the critical binlog_bytes, by forecast.", "seconds", 3 * 86400, 86400
    ),
    Threshold("database_growth_bytes", "Growth of a database within the next week, by forecast.", "bytes", 100e9, None),
)
