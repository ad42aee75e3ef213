"""One MySQL or MariaDB server, or several: is it up, who waits, what fills, how replicas follow."""

from __future__ import annotations

from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Json,
    Panel,
    Query,
    bars,
    dashboard,
    lines,
    row,
    select,
    stat,
    steps,
    table,
    value,
    words,
)  # fmt: skip
from tocsin.metric import Metric
from tocsin.sources.mysql import metrics as m


def _status(name: str, help: str) -> Metric:
    return m.STATUS.metric(name, help)


def _variable(name: str, help: str) -> Metric:
    return m.VARIABLES.metric(name, help)


THREADS = _status("mysql_global_status_threads_connected", "Connections that are open.")
RUNNING = _status("mysql_global_status_threads_running", "Connections that run a statement now.")
MOST_USED = _status("mysql_global_status_max_used_connections", "Most connections that were open at once since the start.")
UPTIME = _status("mysql_global_status_uptime", "Time since the server started, in seconds.")
QUESTIONS = _status("mysql_global_status_questions", "Statements that clients sent.")
SLOW = _status("mysql_global_status_slow_queries", "Statements that took longer than long_query_time.")
SENT = _status("mysql_global_status_bytes_sent", "Bytes sent to clients.")
RECEIVED = _status("mysql_global_status_bytes_received", "Bytes received from clients.")
ABORTED_CLIENTS = _status("mysql_global_status_aborted_clients", "Connections whose client went away without a goodbye.")
ABORTED_CONNECTS = _status("mysql_global_status_aborted_connects", "Attempts to connect that failed.")
POOL_READS = _status("mysql_global_status_innodb_buffer_pool_reads", "Page reads that went to disk.")
POOL_REQUESTS = _status("mysql_global_status_innodb_buffer_pool_read_requests", "Page reads.")
DISK_TABLES = _status("mysql_global_status_created_tmp_disk_tables", "Temporary tables that went to disk.")
TABLES = _status("mysql_global_status_created_tmp_tables", "Temporary tables in memory.")
LOCK_TIME = _status("mysql_global_status_innodb_row_lock_time", "Time spent waiting for row locks, in milliseconds.")
MAX_CONNECTIONS = _variable("mysql_global_variables_max_connections", "Connections that the server allows.")
POOL_SIZE = _variable("mysql_global_variables_innodb_buffer_pool_size", "Size of the InnoDB buffer pool.")
IO_RUNNING = m.REPLICA.metric("mysql_slave_status_slave_io_running", "Whether the replica receives changes.")
SQL_RUNNING = m.REPLICA.metric("mysql_slave_status_slave_sql_running", "Whether the replica applies changes.")
BEHIND = m.REPLICA.metric("mysql_slave_status_seconds_behind_master", "Seconds by which the replica is behind its source.")

LEVELS = {threshold.signal: threshold for threshold in m.THRESHOLDS}
CONNECTIONS, AGE, LAG = LEVELS["connections_ratio"], LEVELS["transaction_age_seconds"], LEVELS["replication_lag_seconds"]
UP_OR_DOWN = words({"1": ("Up", GREEN), "0": ("Down", RED)})
RUNS = words({"1": ("Yes", GREEN), "0": ("No", RED)})
_CHANNEL = "instance, master_host, channel_name, connection_name"


def _rate(metric: Metric) -> str:
    return f"rate({select(metric)}[$__rate_interval])"


def mysql() -> Json:
    return dashboard(
        "tocsin-mysql",
        "Tocsin / MySQL",
        "MySQL and MariaDB servers: connections, statements, transactions, InnoDB and replication.",
        jobs=m.UP,
        targets=m.UP,
        annotations=[],
        grid=[
            _glance(),
            [_servers(), _connections_now()],
            [row("Connections and statements")],
            [_connections(), _states()],
            [_statements(), _slow()],
            [_commands(), _aborted()],
            [row("Transactions and InnoDB")],
            [_transactions(), _row_locks()],
            [_pool(), _misses()],
            [_rows(), _temporary()],
            [_sizes()],
            [row("Replication")],
            [_replicas(), _lag()],
            [row("Network")],
            [_traffic()],
        ],
    )


def _glance() -> list[Panel]:
    return [
        stat(
            "Servers", Query(f"count({select(m.UP)})"), [m.UP], first="How many servers are watched.",
            thresholds=steps((None, BLUE)),
        ),
        stat(
            "Down", Query(f"count({select(m.UP)} == 0) or vector(0)"), [m.UP], first="Servers that do not answer.",
            thresholds=steps((None, GREEN), (1, RED)),
        ),
        stat(
            "Connections open", Query(f"sum({select(THREADS)})"), [THREADS], first="On all servers together.",
            thresholds=steps((None, BLUE)),
        ),
        stat(
            "Oldest transaction", Query(f"max({select(m.OLDEST_TRANSACTION)})"), [m.OLDEST_TRANSACTION],
            thresholds=steps((None, GREEN), (AGE.warning, ORANGE), (AGE.critical, RED)),
        ),
        stat(
            "Transactions that wait", Query(f"sum({select(m.LOCK_WAITS)})"), [m.LOCK_WAITS],
            thresholds=steps((None, GREEN), (1, ORANGE), (20, RED)),
        ),
        stat(
            "Replicas stopped", Query(f"count({select(IO_RUNNING)} == 0 or {select(SQL_RUNNING)} == 0) or vector(0)"),
            [IO_RUNNING, SQL_RUNNING], thresholds=steps((None, GREEN), (1, RED)),
        ),
    ]  # fmt: skip


def _servers() -> Panel:
    queries = [
        Query(f"max by (instance) ({select(m.UP)})"),
        Query(f"max by (instance, version, version_comment) ({select(m.VERSION)})"),
        Query(f"max by (instance) ({select(UPTIME)})"),
    ]
    up, _, uptime = (value(i, len(queries)) for i in range(len(queries)))
    columns = {"instance": "Server", up: "Status", "version": "Version", "version_comment": "Build", uptime: "Up for (s)"}
    return table(
        "Servers", queries, columns, [m.UP, m.VERSION, UPTIME], first="One row a server, those that are down first.",
        width=16, height=8, mappings=UP_OR_DOWN, colored=["Status"], sort="Status",
    )  # fmt: skip


def _connections_now() -> Panel:
    return bars(
        "Connections by server", Query(f"{select(THREADS)} / {select(MAX_CONNECTIONS)}", "{{instance}}"), [THREADS, MAX_CONNECTIONS],
        first=CONNECTIONS.help, width=8, height=8,
        thresholds=steps((None, GREEN), (CONNECTIONS.warning, ORANGE), (CONNECTIONS.critical, RED)),
    )  # fmt: skip


def _connections() -> Panel:
    queries = [
        Query(select(THREADS), "{{instance}} open"),
        Query(select(RUNNING), "{{instance}} running"),
        Query(select(MOST_USED), "{{instance}} most since the start"),
        Query(select(MAX_CONNECTIONS), "{{instance}} limit"),
    ]
    return lines("Connections", queries, [THREADS, RUNNING, MOST_USED, MAX_CONNECTIONS], width=12, fill=0, dashed=" limit$")


def _states() -> Panel:
    queries = [
        Query(f"topk(12, sum by (instance, command, state) ({select(m.PROCESSLIST_THREADS)}))", "{{instance}} {{command}}: {{state}}")
    ]
    return lines("What connections do", queries, [m.PROCESSLIST_THREADS], first="The twelve largest groups.", width=12, fill=0)


def _statements() -> Panel:
    return lines("Statements per second", [Query(_rate(QUESTIONS), "{{instance}}")], [QUESTIONS], width=12)


def _slow() -> Panel:
    return lines("Slow statements per second", [Query(_rate(SLOW), "{{instance}}")], [SLOW], width=12)


def _commands() -> Panel:
    queries = [Query(f"topk(10, sum by (instance, command) ({_rate(m.STATUS_COMMANDS)}))", "{{instance}} {{command}}")]
    return lines("Commands per second", queries, [m.STATUS_COMMANDS], first="The ten most frequent.", width=12, fill=0)


def _aborted() -> Panel:
    queries = [
        Query(_rate(ABORTED_CLIENTS), "{{instance}} client gone"),
        Query(_rate(ABORTED_CONNECTS), "{{instance}} not connected"),
        Query(f"sum by (instance, error) ({_rate(m.STATUS_CONNECTION_ERRORS)})", "{{instance}} {{error}}"),
    ]
    return lines(
        "Broken connections per second", queries, [ABORTED_CLIENTS, ABORTED_CONNECTS, m.STATUS_CONNECTION_ERRORS], width=12, fill=0
    )


def _transactions() -> Panel:
    queries = [
        Query(select(m.TRANSACTIONS), "{{instance}} open"),
        Query(select(m.LOCK_WAITS), "{{instance}} waiting for a lock"),
    ]
    return lines("Transactions", queries, [m.TRANSACTIONS, m.LOCK_WAITS], width=12, fill=0)


def _row_locks() -> Panel:
    queries = [Query(f"{_rate(LOCK_TIME)} / 1000", "{{instance}}")]
    return lines("Waiting for row locks", queries, [LOCK_TIME], first="Connections that wait on average.", width=12)


def _pool() -> Panel:
    pages = f"sum by (instance, state) ({select(m.STATUS_POOL_PAGES)})"
    queries = [
        Query(pages, "{{instance}} {{state}}"),
        Query(f"max by (instance) ({select(m.STATUS_DIRTY_PAGES)})", "{{instance}} dirty"),
    ]
    return lines("Buffer pool pages", queries, [m.STATUS_POOL_PAGES, m.STATUS_DIRTY_PAGES], width=12, fill=0)


def _misses() -> Panel:
    level = LEVELS["buffer_pool_miss_ratio"]
    return lines(
        "Page reads that miss the buffer pool", [Query(f"{_rate(POOL_READS)} / {_rate(POOL_REQUESTS)}", "{{instance}}")],
        [POOL_READS, POOL_REQUESTS], unit="ratio", width=12,
        thresholds=steps((None, "transparent"), (level.warning, ORANGE)),
    )  # fmt: skip


def _rows() -> Panel:
    queries = [Query(f"topk(10, sum by (instance, handler) ({_rate(m.STATUS_HANDLERS)}))", "{{instance}} {{handler}}")]
    first = "The ten most frequent; read_rnd_next are rows of scans."
    return lines("Row operations per second", queries, [m.STATUS_HANDLERS], first=first, width=12, fill=0)


def _temporary() -> Panel:
    queries = [Query(_rate(TABLES), "{{instance}} in memory"), Query(_rate(DISK_TABLES), "{{instance}} on disk")]
    return lines("Temporary tables per second", queries, [TABLES, DISK_TABLES], width=12, fill=0)


def _sizes() -> Panel:
    queries = [Query(f"topk(20, sum by (instance, schema) ({select(m.DATABASE_SIZE)}))", "{{instance}} {{schema}}")]
    return lines("Database sizes", queries, [m.DATABASE_SIZE], first="The twenty largest.", width=24, fill=0)


def _replicas() -> Panel:
    queries = [
        Query(f"max by ({_CHANNEL}) ({select(IO_RUNNING)})"),
        Query(f"max by ({_CHANNEL}) ({select(SQL_RUNNING)})"),
    ]
    receives, applies = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Replica", "master_host": "Source", "channel_name": "Channel", "connection_name": "Connection",
        receives: "Receives", applies: "Applies",
    }  # fmt: skip
    return table(
        "Replicas", queries, columns, [IO_RUNNING, SQL_RUNNING], width=12, height=8, mappings=RUNS,
        colored=["Receives", "Applies"], sort="Receives", empty="No server is a replica",
    )  # fmt: skip


def _lag() -> Panel:
    return lines(
        "Replication lag", [Query(select(BEHIND), "{{instance}} {{connection_name}}{{channel_name}}")], [BEHIND], unit="seconds", width=12,
        thresholds=steps((None, "transparent"), (LAG.warning, ORANGE), (LAG.critical, RED)),
    )  # fmt: skip


def _traffic() -> Panel:
    queries = [Query(_rate(RECEIVED), "{{instance}} received"), Query(_rate(SENT), "{{instance}} sent")]
    return lines("Bytes per second", queries, [RECEIVED, SENT], unit="bytes", width=24, fill=0)
