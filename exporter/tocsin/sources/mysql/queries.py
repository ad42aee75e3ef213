"""What information_schema, performance_schema, sys and mysql are asked, and which series the answers become.

The first versions are those of MySQL, the last below `MARIADB`; MariaDB's begin there. NOT_IN_MARIADB stands where it has nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from tocsin.errors import SetupError, Unsupported
from tocsin.metric import Histogram, Metric
from tocsin.source import Run
from tocsin.sources.mysql import metrics as m
from tocsin.sources.mysql.session import MARIADB, MysqlSession
from tocsin.sources.mysql.show import value_of
from tocsin.sql import Ask, Query, Result

NOT_IN_MARIADB = (MARIADB, "")

Emit = Callable[[MysqlSession, Run, Result], None]
Cells = Mapping[str, tuple[Metric, str]]


def wide(cells: Cells) -> Emit:
    """Return how to read rows that hold several values of one metric: column -> the metric, and the value of its last label.

    The other columns, which come first, are the metrics' other labels in their order.
    """

    def emit(_session: MysqlSession, run: Run, result: Result) -> None:
        keys = [column for column in result.columns if column not in cells]
        if list(result.columns) != [*keys, *cells]:
            raise SetupError(f"{run.collector.name}: the result has the columns {', '.join(result.columns)}")
        width = len(keys)
        targets = [(i, run.open_family(metric), last) for i, (metric, last) in enumerate(cells.values(), width)]
        series, dropped, limit = run.series, 0, run.limit
        for row in result.rows:
            base = [str(cell or b"", "utf-8", "replace") for cell in row[:width]]
            labels: dict[str, tuple[str, ...]] = {}
            for index, family, last in targets:
                value = row[index]
                if value is None:
                    continue
                own = labels.get(last)
                if own is None:
                    own = labels[last] = (*base, last)
                if own in family or series >= limit:
                    dropped += 1
                else:
                    family[own] = value
                    series += 1
        run.series = series
        run.dropped += dropped

    return emit


def _texts(row: Sequence[bytes | None]) -> tuple[str, ...]:
    return tuple((cell or b"").decode("utf-8", "replace") for cell in row)


TRANSACTIONS = Query(
    "info_schema.innodb_trx",
    # Ours alone. Ages by the server's clock, of the session's zone like trx_started itself.
    sql=(
        (
            80000,
            """
            SELECT
                COUNT(*) AS transactions,
                COALESCE(SUM(trx_state = 'LOCK WAIT'), 0) AS waiting,
                COALESCE(GREATEST(0, MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW()))), 0) AS oldest
            FROM information_schema.innodb_trx
            WHERE trx_mysql_thread_id NOT IN (0, CONNECTION_ID())
            """,
        ),
    ),
    values={"transactions": m.TRANSACTIONS, "waiting": m.LOCK_WAITS, "oldest": m.OLDEST_TRANSACTION},
)

DATABASE_SIZE = Query(
    "database_size",
    # Ours alone. Unlike information_schema.tables this opens no table, and is complete without SELECT on all of them. MariaDB
    # calls the tablespaces as their files: https://mariadb.com/kb/en/identifier-to-file-name-mapping/
    sql=(
        (
            MARIADB,
            """
            SELECT
                CONVERT(CONVERT(CAST(SUBSTRING_INDEX(name, '/', 1) AS BINARY) USING filename) USING utf8mb4) AS `schema`,
                SUM(allocated_size) AS size
            FROM information_schema.innodb_sys_tablespaces WHERE name LIKE '%/%' GROUP BY 1
            """,
        ),
        (
            80000,
            """
            SELECT SUBSTRING_INDEX(name, '/', 1) AS `schema`, SUM(allocated_size) AS size
            FROM information_schema.innodb_tablespaces WHERE name LIKE '%/%' GROUP BY 1
            """,
        ),
    ),
    values={"size": m.DATABASE_SIZE},
)

CMP = Query(
    "info_schema.innodb_cmp",
    sql=(
        (
            80000,
            """
            SELECT
                page_size AS page_size, compress_ops AS a, compress_ops_ok AS b, compress_time AS c,
                uncompress_ops AS d, uncompress_time AS e
            FROM information_schema.innodb_cmp
            """,
        ),
    ),
    values=dict(zip("abcde", m.CMP, strict=True)),
)

CMPMEM = Query(
    "info_schema.innodb_cmpmem",
    # MySQL names the column in upper case whatever the query says, unless it is renamed.
    sql=(
        (
            80000,
            """
            SELECT
                page_size AS page_size, buffer_pool_instance AS buffer_pool, pages_used AS a, pages_free AS b,
                relocation_ops AS c, relocation_time / 1000 AS d
            FROM information_schema.innodb_cmpmem
            """,
        ),
    ),
    values=dict(zip("abcd", m.CMPMEM, strict=True)),
)

RESPONSE_TIMES = (
    ("SELECT time, count, total FROM information_schema.query_response_time", m.RESPONSE_TIME),
    ("SELECT time, count, total FROM information_schema.query_response_time_read", m.RESPONSE_TIME_READ),
    ("SELECT time, count, total FROM information_schema.query_response_time_write", m.RESPONSE_TIME_WRITE),
)


def collect_response_time(session: MysqlSession, run: Run) -> None:
    """Emit the plugin's histograms. Raises Unsupported without the plugin; silent while its variable switches it off."""
    ((on,),) = session.rows("SELECT @@GLOBAL.query_response_time_stats", run)
    if on != b"1":
        return
    for sql, metric in RESPONSE_TIMES:
        try:
            rows = session.rows(sql, run)
        except Unsupported:
            if metric is m.RESPONSE_TIME:
                raise
            continue  # reading and writing apart is Percona Server's
        # The last row, TOO LONG, has no bound: what it counts is the +Inf bucket's.
        bounds = tuple(float(row[0] or b"0") for row in rows[:-1])
        counts = tuple(accumulate(int(row[1] or b"0") for row in rows))
        run.emit(metric, Histogram(bounds, counts, sum(_seconds(row[2]) for row in rows)))


def _seconds(text: bytes | None) -> float:
    value = value_of((text or b"").strip())
    return float(value) if isinstance(value, bytes) else 0.0


_PROCESSES = """
    SELECT
        user, SUBSTRING_INDEX(host, ':', 1) AS host, COALESCE(command, '') AS command, COALESCE(state, '') AS state,
        COUNT(*) AS processes, SUM(time) AS seconds
    FROM {}.processlist
    WHERE id <> CONNECTION_ID() {}
    GROUP BY 1, 2, 3, 4
"""
PROCESSLIST = Query(
    "info_schema.processlist",
    # From MySQL 8.0.22 on performance_schema has the list without the lock over all connections that the old one takes,
    # and with background threads that the old one does not show.
    sql=(
        (MARIADB, _PROCESSES.format("information_schema", "")),
        (80022, _PROCESSES.format("performance_schema", "AND NOT (user = 'system user' AND command = 'Daemon')")),
        (80000, _PROCESSES.format("information_schema", "")),
    ),
    values={},
)

_STATE = str.maketrans({";": "", ",": "", ":": "", ".": "", "(": "", ")": "", " ": "_", "-": "_"})


def emit_processlist(_session: MysqlSession, run: Run, result: Result) -> None:
    """Emit the groups of connections added up by command and state, by user, and by host."""
    threads: dict[tuple[str, ...], int] = {}
    seconds: dict[tuple[str, ...], int] = {}
    users: dict[tuple[str, ...], int] = {}
    hosts: dict[tuple[str, ...], int] = {}
    for row in result.rows:
        user, host, command, state = _texts(row[:4])
        count, time = int(row[4] or b"0"), int(float(row[5] or b"0"))
        key = ((command or "unknown").lower().translate(_STATE), (state or "unknown").lower().translate(_STATE))
        threads[key] = threads.get(key, 0) + count
        seconds[key] = seconds.get(key, 0) + time
        users[user,] = users.get((user,), 0) + count
        hosts[host or "unknown",] = hosts.get((host or "unknown",), 0) + count
    for metric, found in (
        (m.PROCESSLIST_THREADS, threads), (m.PROCESSLIST_SECONDS, seconds), (m.PROCESSES_BY_USER, users), (m.PROCESSES_BY_HOST, hosts),
    ):  # fmt: skip
        for labels, value in found.items():
            run.emit(metric, value, labels)


TABLES = Query(
    "info_schema.tables",
    # The largest first: above the target's series budget the small ones are left out.
    sql=(
        (
            80000,
            """
            SELECT
                table_schema AS `schema`, table_name AS `table`, table_type AS type, COALESCE(engine, 'NONE') AS engine,
                COALESCE(row_format, 'NONE') AS row_format, COALESCE(create_options, 'NONE') AS create_options,
                COALESCE(version, 0) AS version, COALESCE(table_rows, 0) AS table_rows,
                COALESCE(data_length, 0) AS data_length, COALESCE(index_length, 0) AS index_length, COALESCE(data_free, 0) AS data_free
            FROM information_schema.tables
            WHERE table_schema NOT IN ('mysql', 'performance_schema', 'information_schema', 'sys')
            ORDER BY data_length DESC
            """,
        ),
    ),
    values={},
)
_TABLE_LABELS = ["schema", "table", "type", "engine", "row_format", "create_options"]


def emit_tables(_session: MysqlSession, run: Run, result: Result) -> None:
    if list(result.columns[:6]) != _TABLE_LABELS:
        raise SetupError(f"information_schema.tables has the columns {', '.join(result.columns)}")
    for row in result.rows:
        labels = _texts(row[:6])
        table = labels[:2]
        version, rows, data, index, free = row[6:]
        run.emit(m.TABLE_VERSION, version, labels)
        run.emit(m.TABLE_ROWS, rows, table)
        run.emit(m.TABLE_SIZE, data, (*table, "data_length"))
        run.emit(m.TABLE_SIZE, index, (*table, "index_length"))
        run.emit(m.TABLE_SIZE, free, (*table, "data_free"))


AUTO_INCREMENT = Query(
    "auto_increment.columns",
    # The limits make MariaDB read each of the two once and then join them: without, it opens each table again for each of its
    # columns, which takes six times as long.
    sql=(
        (
            80000,
            """
            SELECT
                c.table_schema AS `schema`, c.table_name AS `table`, c.column_name AS `column`, t.auto_increment AS next_value,
                POW(2, CASE c.data_type
                    WHEN 'tinyint' THEN 7 WHEN 'smallint' THEN 15 WHEN 'mediumint' THEN 23 WHEN 'int' THEN 31 WHEN 'bigint' THEN 63
                END + (c.column_type LIKE '% unsigned')) - 1 AS largest
            FROM (
                SELECT table_schema, table_name, column_name, data_type, column_type
                FROM information_schema.columns WHERE extra = 'auto_increment' LIMIT 1000000
            ) AS c
            INNER JOIN (
                SELECT table_schema, table_name, auto_increment
                FROM information_schema.tables WHERE auto_increment IS NOT NULL LIMIT 1000000
            ) AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
            """,
        ),
    ),
    values={"next_value": m.AUTO_INCREMENT, "largest": m.AUTO_INCREMENT_MAX},
)

_INNODB_METRICS = "SELECT name, subsystem, type, count FROM information_schema.innodb_metrics WHERE {}"
INNODB_METRICS = Query(
    "info_schema.innodb_metrics",
    # MariaDB renamed the column.
    sql=((MARIADB, _INNODB_METRICS.format("enabled = 1")), (80000, _INNODB_METRICS.format("status = 'enabled'"))),
    values={},
)
_POOL_STATES = ("data", "free", "misc", "old")


def emit_innodb_metrics(_session: MysqlSession, run: Run, result: Result) -> None:
    for row in result.rows:
        name, subsystem, kind = _texts(row[:3])
        series = innodb_series(name, subsystem, kind, negative=(row[3] or b"").startswith(b"-"))
        if series is not None:
            run.emit(series[0], row[3], series[1])


def innodb_series(name: str, subsystem: str, kind: str, *, negative: bool) -> tuple[Metric, tuple[str, ...]] | None:
    """Return the series of one row of innodb_metrics; None for totals of others. A counter that went below 0 is a gauge."""
    if subsystem == "buffer_page_io":
        for prefix, metric in (("buffer_page_read_", m.INNODB_PAGE_READ), ("buffer_page_written_", m.INNODB_PAGE_WRITTEN)):
            if name.startswith(prefix):
                return metric, (name.removeprefix(prefix),)
        return None
    if subsystem == "buffer" and name.startswith("buffer_pool_pages_"):
        state = name.removeprefix("buffer_pool_pages_")
        if state in _POOL_STATES:
            return m.INNODB_POOL_PAGES, (state,)
        return (m.INNODB_DIRTY_PAGES, ()) if state == "dirty" else None
    full = f"mysql_info_schema_innodb_metrics_{subsystem}_{name}"
    if kind in ("counter", "status_counter") and not negative:
        return m.INNODB_COUNTERS.metric(f"{full}_total", f"Counter {name} of InnoDB's {subsystem}."), ()
    return m.INNODB_GAUGES.metric(full, f"Measurement {name} of InnoDB's {subsystem}."), ()


TABLESPACES = Query(
    "info_schema.innodb_tablespaces",
    sql=(
        (
            MARIADB,
            """
            SELECT
                name AS tablespace_name, 'NONE' AS file_format, COALESCE(row_format, 'NONE') AS row_format, '' AS space_type,
                space AS space, file_size AS file_size, allocated_size AS allocated_size
            FROM information_schema.innodb_sys_tablespaces
            """,
        ),
        (
            80000,
            """
            SELECT
                name AS tablespace_name, 'NONE' AS file_format, COALESCE(row_format, 'NONE') AS row_format,
                COALESCE(space_type, '') AS space_type, space AS space, file_size AS file_size, allocated_size AS allocated_size
            FROM information_schema.innodb_tablespaces
            """,
        ),
    ),
    values={"space": m.TABLESPACE_INFO, "file_size": m.TABLESPACE_FILE, "allocated_size": m.TABLESPACE_ALLOCATED},
)


def _collect_statistics(sql: str, label: str, metrics: Mapping[str, Metric]) -> Callable[[MysqlSession, Run], None]:
    """Return how to read one of the tables that userstat=ON fills. Columns that are not declared are left out."""

    def collect(session: MysqlSession, run: Run) -> None:
        if not _userstat(session, run):
            return
        result = session.query(sql, run)
        for row in result.rows:
            words = {column.lower(): cell for column, cell in zip(result.columns, row, strict=True)}
            name = (words.get(label) or b"").decode("utf-8", "replace")
            for column, metric in metrics.items():
                run.emit(metric, words.get(column), (name,))

    return collect


def _userstat(session: MysqlSession, run: Run) -> bool:
    """Tell whether the server keeps these statistics. Raises Unsupported for MySQL, which has none."""
    ((on,),) = session.rows("SELECT @@GLOBAL.userstat", run)
    return on == b"1"


collect_user_statistics = _collect_statistics("SELECT * FROM information_schema.user_statistics", "user", m.USER_STATISTICS)
collect_client_statistics = _collect_statistics("SELECT * FROM information_schema.client_statistics", "client", m.CLIENT_STATISTICS)

_TABLE_STATISTICS = """
    SELECT table_schema, table_name, rows_read, rows_changed, rows_changed_x_indexes FROM information_schema.table_statistics
"""
_SCHEMA_STATISTICS = """
    SELECT table_schema, SUM(rows_read), SUM(rows_changed), SUM(rows_changed_x_indexes)
    FROM information_schema.table_statistics GROUP BY table_schema
"""


def _collect_by(sql: str, width: int, metrics: Sequence[Metric]) -> Callable[[MysqlSession, Run], None]:
    def collect(session: MysqlSession, run: Run) -> None:
        for row in session.rows(sql, run) if _userstat(session, run) else ():
            labels = _texts(row[:width])
            for metric, value in zip(metrics, row[width:], strict=True):
                run.emit(metric, value, labels)

    return collect


collect_table_statistics = _collect_by(_TABLE_STATISTICS, 2, m.TABLE_STATISTICS)
collect_schema_statistics = _collect_by(_SCHEMA_STATISTICS, 1, m.SCHEMA_STATISTICS)

AURORA = Query(
    "info_schema.replica_host",
    sql=(
        NOT_IN_MARIADB,
        (
            80000,
            """
            SELECT
                server_id AS server_id, IF(session_id = 'MASTER_SESSION_ID', 'writer', 'reader') AS role, cpu AS a,
                master_slave_latency_in_microseconds / 1e6 AS b, replica_lag_in_milliseconds / 1e3 AS c,
                log_stream_speed_in_kib_per_second AS d, current_replay_latency_in_microseconds / 1e6 AS e
            FROM information_schema.replica_host_status
            """,
        ),
    ),
    values=dict(zip("abcde", m.AURORA, strict=True)),
)

# Times of performance_schema are picoseconds; / 1e12 gives a float, where / 1000000000000 would cut after the fourth digit.

STATEMENTS_SUM = Query(
    "perf_schema.eventsstatementssum",
    # lock_time stays in picoseconds, as the reference exporter has it.
    sql=(
        (
            80000,
            """
            SELECT
                SUM(count_star) AS total, SUM(sum_created_tmp_disk_tables) AS created_tmp_disk_tables,
                SUM(sum_created_tmp_tables) AS created_tmp_tables, SUM(sum_errors) AS errors, SUM(sum_lock_time) AS lock_time,
                SUM(sum_no_good_index_used) AS no_good_index_used, SUM(sum_no_index_used) AS no_index_used,
                SUM(sum_rows_affected) AS rows_affected, SUM(sum_rows_examined) AS rows_examined, SUM(sum_rows_sent) AS rows_sent,
                SUM(sum_select_full_join) AS select_full_join, SUM(sum_select_full_range_join) AS select_full_range_join,
                SUM(sum_select_range) AS select_range, SUM(sum_select_range_check) AS select_range_check,
                SUM(sum_select_scan) AS select_scan, SUM(sum_sort_merge_passes) AS sort_merge_passes, SUM(sum_sort_range) AS sort_range,
                SUM(sum_sort_rows) AS sort_rows, SUM(sum_sort_scan) AS sort_scan, SUM(sum_timer_wait) / 1e12 AS timer_wait,
                SUM(sum_warnings) AS warnings
            FROM performance_schema.events_statements_summary_by_digest
            """,
        ),
    ),
    values=m.STATEMENTS_SUM,
)

WAITS = Query(
    "perf_schema.eventswaits",
    sql=(
        (
            80000,
            """
            SELECT event_name AS event_name, count_star AS waits, sum_timer_wait / 1e12 AS seconds
            FROM performance_schema.events_waits_summary_global_by_event_name
            """,
        ),
    ),
    values={"waits": m.WAITS, "seconds": m.WAITS_SECONDS},
)

FILE_EVENTS = Query(
    "perf_schema.file_events",
    sql=(
        (
            80000,
            """
            SELECT
                event_name AS event_name,
                count_read AS a, sum_timer_read / 1e12 AS b, sum_number_of_bytes_read AS c,
                count_write AS d, sum_timer_write / 1e12 AS e, sum_number_of_bytes_write AS f,
                count_misc AS g, sum_timer_misc / 1e12 AS h
            FROM performance_schema.file_summary_by_event_name
            """,
        ),
    ),
    values={},
)
FILE_EVENTS_CELLS: Cells = {
    "a": (m.FILE_EVENTS, "read"), "b": (m.FILE_EVENTS_SECONDS, "read"), "c": (m.FILE_EVENTS_BYTES, "read"),
    "d": (m.FILE_EVENTS, "write"), "e": (m.FILE_EVENTS_SECONDS, "write"), "f": (m.FILE_EVENTS_BYTES, "write"),
    "g": (m.FILE_EVENTS, "misc"), "h": (m.FILE_EVENTS_SECONDS, "misc"),
}  # fmt: skip

FILE_INSTANCES = Query(
    "perf_schema.file_instances",
    # Paths below the usual data folder are told without it, as the reference exporter does.
    sql=(
        (
            80000,
            """
            SELECT
                IF(file_name LIKE '/var/lib/mysql/%', SUBSTRING(file_name, 16), file_name) AS file_name, event_name AS event_name,
                count_read AS a, sum_number_of_bytes_read AS b, count_write AS c, sum_number_of_bytes_write AS d
            FROM performance_schema.file_summary_by_instance
            ORDER BY sum_timer_wait DESC
            """,
        ),
    ),
    values={},
)
FILE_INSTANCES_CELLS: Cells = {
    "a": (m.FILE_INSTANCES, "read"), "b": (m.FILE_INSTANCES_BYTES, "read"),
    "c": (m.FILE_INSTANCES, "write"), "d": (m.FILE_INSTANCES_BYTES, "write"),
}  # fmt: skip

# The busiest first: above the target's series budget the others are left out.

TABLE_IO = Query(
    "perf_schema.tableiowaits",
    sql=(
        (
            80000,
            """
            SELECT
                object_schema AS `schema`, object_name AS name,
                count_fetch AS a, sum_timer_fetch / 1e12 AS b, count_insert AS c, sum_timer_insert / 1e12 AS d,
                count_update AS e, sum_timer_update / 1e12 AS f, count_delete AS g, sum_timer_delete / 1e12 AS h
            FROM performance_schema.table_io_waits_summary_by_table
            WHERE object_schema NOT IN ('mysql', 'performance_schema')
            ORDER BY sum_timer_wait DESC
            """,
        ),
    ),
    values={},
)
TABLE_IO_CELLS: Cells = {
    "a": (m.TABLE_IO, "fetch"), "b": (m.TABLE_IO_SECONDS, "fetch"), "c": (m.TABLE_IO, "insert"), "d": (m.TABLE_IO_SECONDS, "insert"),
    "e": (m.TABLE_IO, "update"), "f": (m.TABLE_IO_SECONDS, "update"), "g": (m.TABLE_IO, "delete"), "h": (m.TABLE_IO_SECONDS, "delete"),
}  # fmt: skip

INDEX_IO = Query(
    "perf_schema.indexiowaits",
    # Inserts belong to no index: the server counts them in the row without one, and there alone they are told.
    sql=(
        (
            80000,
            """
            SELECT
                object_schema AS `schema`, object_name AS name, COALESCE(index_name, 'NONE') AS `index`,
                count_fetch AS a, sum_timer_fetch / 1e12 AS b,
                IF(index_name IS NULL, count_insert, NULL) AS c, IF(index_name IS NULL, sum_timer_insert / 1e12, NULL) AS d,
                count_update AS e, sum_timer_update / 1e12 AS f, count_delete AS g, sum_timer_delete / 1e12 AS h
            FROM performance_schema.table_io_waits_summary_by_index_usage
            WHERE object_schema NOT IN ('mysql', 'performance_schema')
            ORDER BY sum_timer_wait DESC
            """,
        ),
    ),
    values={},
)
INDEX_IO_CELLS: Cells = {
    "a": (m.INDEX_IO, "fetch"), "b": (m.INDEX_IO_SECONDS, "fetch"), "c": (m.INDEX_IO, "insert"), "d": (m.INDEX_IO_SECONDS, "insert"),
    "e": (m.INDEX_IO, "update"), "f": (m.INDEX_IO_SECONDS, "update"), "g": (m.INDEX_IO, "delete"), "h": (m.INDEX_IO_SECONDS, "delete"),
}  # fmt: skip

TABLE_LOCKS = Query(
    "perf_schema.tablelocks",
    sql=(
        (
            80000,
            """
            SELECT
                object_schema AS `schema`, object_name AS name,
                count_read_normal AS a, sum_timer_read_normal / 1e12 AS b,
                count_read_with_shared_locks AS c, sum_timer_read_with_shared_locks / 1e12 AS d,
                count_read_high_priority AS e, sum_timer_read_high_priority / 1e12 AS f,
                count_read_no_insert AS g, sum_timer_read_no_insert / 1e12 AS h,
                count_write_normal AS i, sum_timer_write_normal / 1e12 AS j,
                count_write_allow_write AS k, sum_timer_write_allow_write / 1e12 AS l,
                count_write_concurrent_insert AS m, sum_timer_write_concurrent_insert / 1e12 AS n,
                count_write_low_priority AS o, sum_timer_write_low_priority / 1e12 AS p,
                count_read_external AS q, sum_timer_read_external / 1e12 AS r,
                count_write_external AS s, sum_timer_write_external / 1e12 AS t
            FROM performance_schema.table_lock_waits_summary_by_table
            WHERE object_schema NOT IN ('mysql', 'performance_schema', 'information_schema')
            ORDER BY sum_timer_wait DESC
            """,
        ),
    ),
    values={},
)
# MySQL 8.0 has no write_delayed, and both servers lack concurrent inserts into most engines: 0 then.
TABLE_LOCKS_CELLS: Cells = {
    "a": (m.SQL_LOCKS, "read_normal"), "b": (m.SQL_LOCKS_SECONDS, "read_normal"),
    "c": (m.SQL_LOCKS, "read_with_shared_locks"), "d": (m.SQL_LOCKS_SECONDS, "read_with_shared_locks"),
    "e": (m.SQL_LOCKS, "read_high_priority"), "f": (m.SQL_LOCKS_SECONDS, "read_high_priority"),
    "g": (m.SQL_LOCKS, "read_no_insert"), "h": (m.SQL_LOCKS_SECONDS, "read_no_insert"),
    "i": (m.SQL_LOCKS, "write_normal"), "j": (m.SQL_LOCKS_SECONDS, "write_normal"),
    "k": (m.SQL_LOCKS, "write_allow_write"), "l": (m.SQL_LOCKS_SECONDS, "write_allow_write"),
    "m": (m.SQL_LOCKS, "write_concurrent_insert"), "n": (m.SQL_LOCKS_SECONDS, "write_concurrent_insert"),
    "o": (m.SQL_LOCKS, "write_low_priority"), "p": (m.SQL_LOCKS_SECONDS, "write_low_priority"),
    "q": (m.EXTERNAL_LOCKS, "read"), "r": (m.EXTERNAL_LOCKS_SECONDS, "read"),
    "s": (m.EXTERNAL_LOCKS, "write"), "t": (m.EXTERNAL_LOCKS_SECONDS, "write"),
}  # fmt: skip

MEMORY = Query(
    "perf_schema.memory_events",
    sql=(
        (
            80000,
            """
            SELECT
                IF(event_name LIKE 'memory/%', SUBSTRING(event_name, 8), event_name) AS event_name,
                sum_number_of_bytes_alloc AS allocated, sum_number_of_bytes_free AS freed, current_number_of_bytes_used AS used
            FROM performance_schema.memory_summary_global_by_event_name
            WHERE count_alloc > 0
            """,
        ),
    ),
    values={"allocated": m.MEMORY_ALLOCATED, "freed": m.MEMORY_FREED, "used": m.MEMORY_USED},
)

_GROUP_MEMBERS = """
    SELECT
        channel_name AS channel_name, member_id AS member_id, member_host AS member_host, member_port AS member_port,
        member_state AS member_state, member_role AS member_role, member_version AS member_version,
        {} AS member_communication_stack, 1 AS one
    FROM performance_schema.replication_group_members
"""
GROUP_MEMBERS = Query(
    "perf_schema.replication_group_members",
    sql=(NOT_IN_MARIADB, (80027, _GROUP_MEMBERS.format("member_communication_stack")), (80000, _GROUP_MEMBERS.format("''"))),
    values={"one": m.GROUP_MEMBERS},
)

GROUP_STATS = Query(
    "perf_schema.replication_group_member_stats",
    sql=(
        NOT_IN_MARIADB,
        (
            80000,
            """
            SELECT
                count_transactions_in_queue AS a, count_transactions_checked AS b, count_conflicts_detected AS c,
                count_transactions_rows_validating AS d, count_transactions_remote_in_applier_queue AS e,
                count_transactions_remote_applied AS f, count_transactions_local_proposed AS g,
                count_transactions_local_rollback AS h
            FROM performance_schema.replication_group_member_stats
            WHERE member_id = @@server_uuid
            """,
        ),
    ),
    values=dict(zip("abcdefgh", m.GROUP_STATS, strict=True)),
)

WORKERS = Query(
    "perf_schema.replication_applier_status_by_worker",
    sql=(
        NOT_IN_MARIADB,
        (
            80000,
            """
            SELECT
                channel_name AS channel_name, worker_id AS member_id,
                UNIX_TIMESTAMP(last_applied_transaction_original_commit_timestamp) AS a,
                UNIX_TIMESTAMP(last_applied_transaction_immediate_commit_timestamp) AS b,
                UNIX_TIMESTAMP(last_applied_transaction_start_apply_timestamp) AS c,
                UNIX_TIMESTAMP(last_applied_transaction_end_apply_timestamp) AS d,
                UNIX_TIMESTAMP(applying_transaction_original_commit_timestamp) AS e,
                UNIX_TIMESTAMP(applying_transaction_immediate_commit_timestamp) AS f,
                UNIX_TIMESTAMP(applying_transaction_start_apply_timestamp) AS g
            FROM performance_schema.replication_applier_status_by_worker
            """,
        ),
    ),
    values=dict(zip("abcdefg", m.WORKERS, strict=True)),
)

SYS = Query(
    "sys.user_summary",
    sql=(
        (
            80000,
            """
            SELECT
                user AS user, statements AS a, statement_latency / 1e12 AS b, table_scans AS c, file_ios AS d, file_io_latency / 1e12 AS e,
                current_connections AS f, total_connections AS g, unique_hosts AS h, current_memory AS i, total_memory_allocated AS j
            FROM sys.x$user_summary
            """,
        ),
    ),
    values=dict(zip("abcdefghij", m.SYS, strict=True)),
)

ACCOUNTS = Query(
    "mysql.user",
    sql=(
        (
            80000,
            """
            SELECT
                user AS mysql_user, host AS hostmask, max_questions AS max_questions, max_updates AS max_updates,
                max_connections AS max_connections, max_user_connections AS max_user_connections
            FROM mysql.user
            """,
        ),
    ),
    values=m.ACCOUNTS,
)

_PRIVILEGES = "SELECT user AS mysql_user, host AS hostmask, {} FROM mysql.user"
PRIVILEGES = Query(
    "mysql.user.privileges",
    sql=((80000, _PRIVILEGES.format(", ".join(f"{column} = 'Y' AS {column}" for column in m.PRIVILEGES))),),
    values=m.PRIVILEGES,
)


def collect_heartbeat(session: MysqlSession, run: Run) -> None:
    """Emit what pt-heartbeat wrote last and the server's own time, by the server that wrote it."""
    database, _, table = session.options.heartbeat_table.partition(".")
    now = "UTC_TIMESTAMP(6)" if session.options.heartbeat_utc else "NOW(6)"
    # The name was checked when the configuration was read: letters, digits, _ and $.
    sql = f"SELECT UNIX_TIMESTAMP(ts), UNIX_TIMESTAMP({now}), server_id FROM `{database}`.`{table}`"  # noqa: S608
    for stored, current, server in session.rows(sql, run):
        labels = ((server or b"").decode(),)
        run.emit(m.HEARTBEAT_STORED, stored, labels)
        run.emit(m.HEARTBEAT_NOW, current, labels)


ASK_PROCESSLIST = Ask(PROCESSLIST, emit_processlist)
ASK_TABLES = Ask(TABLES, emit_tables)
ASK_INNODB_METRICS = Ask(INNODB_METRICS, emit_innodb_metrics)
ASK_FILE_EVENTS = Ask(FILE_EVENTS, wide(FILE_EVENTS_CELLS))
ASK_FILE_INSTANCES = Ask(FILE_INSTANCES, wide(FILE_INSTANCES_CELLS))
ASK_TABLE_IO = Ask(TABLE_IO, wide(TABLE_IO_CELLS))
ASK_INDEX_IO = Ask(INDEX_IO, wide(INDEX_IO_CELLS))
ASK_TABLE_LOCKS = Ask(TABLE_LOCKS, wide(TABLE_LOCKS_CELLS))
