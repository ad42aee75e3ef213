"""PostgreSQL servers: what they are, what they do, what they wait for, what fills, and when it will be full."""

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
from tocsin.sources.postgres import metrics as m

MAX_CONNECTIONS = m.SETTINGS.metric("pg_settings_max_connections", "Connections that the server allows.")
BLOCK_SIZE = m.SETTINGS.metric("pg_settings_block_size", "Size of a block, in bytes.")

LEVELS = {threshold.signal: threshold for threshold in m.THRESHOLDS}
UP_OR_DOWN = words({"1": ("Up", GREEN), "0": ("Down", RED)})
TEN_YEARS = 10 * 365 * 86400
"""Stands for never, as in the rules."""

USED = f"sum by (instance) ({select(m.DB_BACKENDS)})"
ALLOWED = f"max by (instance) ({select(MAX_CONNECTIONS)})"
_TABLE = "instance, datname, schemaname, relname"
_INDEX_COLUMNS = {"instance": "Server", "datname": "Database", "schemaname": "Schema", "relname": "Table", "indexrelname": "Index"}
_STATEMENT = "instance, datname, user, queryid"


def postgres() -> Json:
    return dashboard(
        "tocsin-postgres",
        "Tocsin / PostgreSQL",
        "PostgreSQL servers: connections, transactions, statements, tables, log and replication, and what will be full when.",
        jobs=m.UP,
        targets=m.UP,
        annotations=[],
        grid=[
            _glance(),
            [_servers(), _connections_now()],
            [row("Connections and transactions")],
            [_connections(), _oldest()],
            [_transactions(), _deadlocks()],
            [row("Work")],
            [_hits(), _rows()],
            [_locks(), _temporary()],
            [_blocked(), _sessions()],
            [_encryption(), _lost()],
            [_statement_time(), _statement_calls()],
            [row("Disk")],
            [_read_and_written(), _small_caches()],
            [row("Sizes and vacuum")],
            [_sizes(), _growth()],
            [_largest(), _dead()],
            [row("Upkeep")],
            [_bloat(), _bloated()],
            [_unused(), _redundant()],
            [_spare(), _sequences()],
            [row("Write-ahead log and replication")],
            [_checkpoints(), _log(), _archive()],
            [_slots(), _lag(), _behind()],
            [_log_written(), _receivers()],
            [row("Ahead")],
            [_ids_used(), _ids_left(), _connections_left()],
            [row("What watching costs")],
            [_scrape(), _collectors()],
        ],
    )


def _glance() -> list[Panel]:
    connections, age, ids = LEVELS["connections_ratio"], LEVELS["transaction_age_seconds"], LEVELS["wraparound_ratio"]
    xid, mxid = select(m.WRAPAROUND_XID), select(m.WRAPAROUND_MXID)
    return [
        stat(
            "Servers", Query(f"count({select(m.UP)})"), [m.UP], first="How many servers are watched.", thresholds=steps((None, BLUE)),
        ),
        stat(
            "Down", Query(f"count({select(m.UP)} == 0) or vector(0)"), [m.UP], first="Servers that do not answer.",
            thresholds=steps((None, GREEN), (1, RED)),
        ),
        stat(
            "Fullest server", Query(f"max({USED} / {ALLOWED})"), [m.DB_BACKENDS, MAX_CONNECTIONS],
            first="Connections in use as a share of what is allowed, where it is largest.", unit="ratio",
            thresholds=steps((None, GREEN), (connections.warning, ORANGE), (connections.critical, RED)),
        ),
        stat(
            "Oldest transaction", Query(f"max({select(m.LONG_TRANSACTIONS_OLDEST)})"), [m.LONG_TRANSACTIONS_OLDEST],
            thresholds=steps((None, GREEN), (age.warning, ORANGE), (age.critical, RED)),
        ),
        stat(
            "Ids used", Query(f"max({xid} / 2^31 or {mxid} / 2^31)"), [m.WRAPAROUND_XID, m.WRAPAROUND_MXID],
            first=ids.help, unit="ratio", thresholds=steps((None, GREEN), (ids.warning, ORANGE), (ids.critical, RED)),
        ),
        stat(
            "Slots without a reader", Query(f"count({select(m.SLOTS_ACTIVE)} == 0) or vector(0)"), [m.SLOTS_ACTIVE],
            thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
    ]  # fmt: skip


def _servers() -> Panel:
    role = " or ".join(
        f'label_replace(max by (instance) ({select(m.REPLICATION_IS_REPLICA)}) == {is_replica}, "role", "{name}", "", "")'
        for is_replica, name in ((0, "primary"), (1, "standby"))
    )
    queries = [
        Query(f"max by (instance) ({select(m.UP)})"),
        Query(f"max by (instance, short_version) ({select(m.STATIC)})"),
        Query(role),
        Query(f"max by (instance) ({select(m.POSTMASTER_START)}) * 1000"),
        Query(f"sum by (instance) ({select(m.DATABASE_SIZE)})"),
    ]
    up, _, _, started, size = (value(i, len(queries)) for i in range(len(queries)))
    columns = {"instance": "Server", up: "Status", "short_version": "Version", "role": "Role", started: "Started", size: "Size"}
    return table(
        "Servers and roles", queries, columns, [m.UP, m.STATIC, m.REPLICATION_IS_REPLICA, m.POSTMASTER_START, m.DATABASE_SIZE],
        first="One row a server, those that are down first.", unit="bytes", width=16, height=8,
        mappings=UP_OR_DOWN, colored=["Status"], times=[started], sort="Status",
    )  # fmt: skip


def _connections_now() -> Panel:
    level = LEVELS["connections_ratio"]
    return bars(
        "Connections by server", Query(f"{USED} / {ALLOWED}", "{{instance}}"), [m.DB_BACKENDS, MAX_CONNECTIONS],
        first=level.help, width=8, height=8, thresholds=steps((None, GREEN), (level.warning, ORANGE), (level.critical, RED)),
    )  # fmt: skip


def _connections() -> Panel:
    clients = select(m.ACTIVITY_COUNT, 'state!=""')
    queries = [Query(f"sum by (instance, state) ({clients})", "{{instance}} {{state}}"), Query(ALLOWED, "{{instance}} limit")]
    return lines(
        "Connections by state", queries,
        [m.ACTIVITY_COUNT, MAX_CONNECTIONS], width=12, fill=0, dashed=" limit$",
    )  # fmt: skip


def _oldest() -> Panel:
    level = LEVELS["transaction_age_seconds"]
    return lines(
        "Age of the oldest transaction", [Query(f"max by (instance) ({select(m.LONG_TRANSACTIONS_OLDEST)})", "{{instance}}")],
        [m.LONG_TRANSACTIONS_OLDEST], width=12, thresholds=steps((None, "transparent"), (level.warning, ORANGE), (level.critical, RED)),
    )  # fmt: skip


def _rate(metric: Metric, by: str = "instance, datname") -> str:
    return f"sum by ({by}) (rate({select(metric)}[$__rate_interval]))"


def _transactions() -> Panel:
    queries = [
        Query(_rate(m.DB_COMMIT), "{{instance}} {{datname}}"),
        Query(_rate(m.DB_ROLLBACK), "{{instance}} {{datname}} rolled back"),
    ]
    return lines("Transactions a second", queries, [m.DB_COMMIT, m.DB_ROLLBACK], width=12, fill=0, dashed=" rolled back$")


def _deadlocks() -> Panel:
    level = LEVELS["deadlocks_per_hour"]
    return lines(
        "Deadlocks an hour", [Query(f"{_rate(m.DB_DEADLOCKS)} * 3600", "{{instance}} {{datname}}")], [m.DB_DEADLOCKS],
        width=12, fill=0, thresholds=steps((None, "transparent"), (level.warning, ORANGE), (level.critical, RED)),
    )  # fmt: skip


def _hits() -> Panel:
    hit, read = _rate(m.DB_BLKS_HIT, "instance"), _rate(m.DB_BLKS_READ, "instance")
    return lines(
        "Cache hit ratio", [Query(f"{hit} / ({hit} + {read})", "{{instance}}")], [m.DB_BLKS_HIT, m.DB_BLKS_READ],
        first="Blocks that were found in the buffer cache, as a share of all.", unit="ratio", width=12, fill=0,
    )  # fmt: skip


def _rows() -> Panel:
    shown = {
        m.DB_RETURNED: "returned",
        m.DB_FETCHED: "fetched",
        m.DB_INSERTED: "inserted",
        m.DB_UPDATED: "updated",
        m.DB_DELETED: "deleted",
    }
    queries = [Query(_rate(metric, "instance"), f"{{{{instance}}}} {name}") for metric, name in shown.items()]
    return lines("Rows a second", queries, list(shown), width=12, fill=0)


def _locks() -> Panel:
    return lines(
        "Locks by mode", [Query(f"sum by (instance, mode) ({select(m.LOCKS)})", "{{instance}} {{mode}}")], [m.LOCKS], width=12, fill=0
    )  # fmt: skip


def _temporary() -> Panel:
    return lines(
        "Temporary files, bytes a second", [Query(_rate(m.DB_TEMP_BYTES), "{{instance}} {{datname}}")],
        [m.DB_TEMP_BYTES], first="Sorts and hashes that did not fit in work_mem.", unit="bytes", width=12, fill=0,
    )  # fmt: skip


def _blocked() -> Panel:
    level = LEVELS["blocked_seconds"]
    queries = [Query(f"sum by (instance, datname) ({select(m.BLOCKED_SESSIONS)})", "{{instance}} {{datname}}")]
    return lines(
        "Sessions that wait for a lock", queries, [m.BLOCKED_SESSIONS],
        first=f"tocsin_pg_blocking_sessions says for whom; the alert comes after {level.warning:.0f} s.", width=12, fill=0,
    )  # fmt: skip


def _sessions() -> Panel:
    queries = [Query(_rate(m.SESSION_SECONDS, "instance, activity"), "{{instance}} {{activity}}")]
    return lines(
        "Sessions by what they do", queries, [m.SESSION_SECONDS],
        first="Seconds a second: 1 is one session all the time.", unit="ratio", width=12, fill=0,
    )  # fmt: skip


def _encryption() -> Panel:
    queries = [Query(f"sum by (instance, version) ({select(m.SSL_CONNECTIONS)})", "{{instance}} {{version}}")]
    return lines("Client connections by encryption", queries, [m.SSL_CONNECTIONS], width=12, fill=0)


def _lost() -> Panel:
    queries = [
        Query(_rate(m.SESSIONS, "instance"), "{{instance}} opened"),
        Query(_rate(m.SESSIONS_LOST, "instance, reason"), "{{instance}} {{reason}}"),
    ]
    return lines("Sessions opened and lost, a second", queries, [m.SESSIONS, m.SESSIONS_LOST], width=12, fill=0, dashed=" opened$")


def _read_and_written() -> Panel:
    older = f"{_rate(m.DB_BLKS_READ, 'instance')} * max by (instance) ({select(BLOCK_SIZE)})"
    labelled = f'label_replace(label_replace({older}, "backend_type", "all", "", ""), "operation", "read", "", "")'
    return lines(
        "Read and written, bytes a second",
        [
            Query(
                f"{_rate(m.IO_BYTES, 'instance, backend_type, operation')} or on (instance) {labelled}",
                "{{instance}} {{backend_type}} {{operation}}",
            )
        ],
        [m.IO_BYTES, m.DB_BLKS_READ, BLOCK_SIZE],
        first="By kind of process; before PostgreSQL 16 only what all of them read.", unit="bytes", width=12, fill=0,
    )  # fmt: skip


def _small_caches() -> Panel:
    read = select(m.SLRU_OPERATIONS, 'operation="read"')
    queries = [Query(f"sum by (instance, slru) (rate({read}[$__rate_interval]))", "{{instance}} {{slru}}")]
    return lines(
        "Small caches, blocks read a second", queries, [m.SLRU_OPERATIONS],
        first="Anything lasting here means many subtransactions, multixacts or notifications.", width=12, fill=0,
    )  # fmt: skip


def _statement_time() -> Panel:
    return lines(
        "Statements by time", [_statements(m.STATEMENTS_SECONDS)], [m.STATEMENTS_SECONDS],
        first="The ten that took most at each moment, in seconds a second. pg_stat_statements has the texts.",
        unit="ratio", width=12, fill=0,
    )  # fmt: skip


def _statement_calls() -> Panel:
    return lines(
        "Statements by executions", [_statements(m.STATEMENTS_CALLS)], [m.STATEMENTS_CALLS],
        first="The ten that ran most often at each moment, a second.", width=12, fill=0,
    )  # fmt: skip


def _statements(metric: Metric) -> Query:
    return Query(f"topk(10, {_rate(metric, _STATEMENT)})", "{{instance}} {{datname}} {{user}} {{queryid}}")


def _sizes() -> Panel:
    return lines(
        "Sizes of databases", [Query(f"max by (instance, datname) ({select(m.DATABASE_SIZE)})", "{{instance}} {{datname}}")],
        [m.DATABASE_SIZE], width=12, fill=0,
    )  # fmt: skip


def _growth() -> Panel:
    size = select(m.DATABASE_SIZE)
    return lines(
        "Growth within a day",
        # A database that was not there a day ago has grown by nothing that could be told.
        [Query(f"max by (instance, datname) ({size} - {size} offset 1d or {size} * 0)", "{{instance}} {{datname}}")],
        [m.DATABASE_SIZE], first="Against the size a day before; seven times that is what a week takes.", width=12, fill=0,
    )  # fmt: skip


def _largest() -> Panel:
    size = f"sum by ({_TABLE}) ({select(m.TABLE_SIZE)} + {select(m.TABLE_INDEX_SIZE)})"
    columns = {"instance": "Server", "datname": "Database", "schemaname": "Schema", "relname": "Table", "Value": "Size"}
    return table(
        "Largest tables", [Query(f"topk(20, {size})")], columns, [m.TABLE_SIZE, m.TABLE_INDEX_SIZE], first="With their indexes.",
        unit="bytes", width=10, height=9, sort="Size", descending=True,
    )  # fmt: skip


def _dead() -> Panel:
    def among(expr: str) -> str:
        return f"{expr} and topk(20, sum by ({_TABLE}) ({select(m.TABLE_DEAD)}))"

    by_hand, by_itself = (f"max by ({_TABLE}) ({select(metric)})" for metric in (m.TABLE_LAST_VACUUM, m.TABLE_LAST_AUTOVACUUM))
    queries = [
        Query(f"topk(20, sum by ({_TABLE}) ({select(m.TABLE_DEAD)}))"),
        Query(among(f"sum by ({_TABLE}) ({select(m.TABLE_LIVE)})")),
        Query(among(f"(({by_hand} > {by_itself} or {by_itself}) > 0) * 1000")),
    ]
    dead, live, vacuumed = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Server", "datname": "Database", "schemaname": "Schema", "relname": "Table",
        dead: "Dead rows", live: "Live rows", vacuumed: "Last vacuum",
    }  # fmt: skip
    return table(
        "Dead rows and last vacuum", queries, columns, [m.TABLE_DEAD, m.TABLE_LIVE, m.TABLE_LAST_VACUUM, m.TABLE_LAST_AUTOVACUUM],
        first="The twenty tables with most dead rows; no time where no vacuum is known of.",
        width=14, height=9, times=[vacuumed], sort="Dead rows", descending=True,
    )  # fmt: skip


def _bloat() -> Panel:
    queries = [Query(f"sum by (instance, datname, kind) ({select(m.BLOAT)})", "{{instance}} {{datname}} {{kind}}")]
    return lines("Estimated bloat", queries, [m.BLOAT], width=10, fill=0)


def _bloated() -> Panel:
    queries = [
        Query(f"topk(10, sum by ({_TABLE}) ({select(m.TABLE_BLOAT)}))"),
        Query(f"topk(10, sum by ({_TABLE}, indexrelname) ({select(m.INDEX_BLOAT)}))"),
    ]
    of_table, of_index = (value(i, len(queries)) for i in range(len(queries)))
    columns = _INDEX_COLUMNS | {of_table: "Bloat of the table", of_index: "Bloat of the index"}
    return table(
        "Most bloated tables and indexes", queries, columns, [m.TABLE_BLOAT, m.INDEX_BLOAT],
        first="VACUUM FULL, pg_repack or REINDEX CONCURRENTLY give the space back.",
        unit="bytes", width=14, height=8, sort="Bloat of the table", descending=True,
    )  # fmt: skip


def _unused() -> Panel:
    query = Query(f"topk(20, sum by ({_TABLE}, indexrelname) ({select(m.UNUSED_INDEX)}))")
    return table(
        "Unused indexes", [query], _INDEX_COLUMNS | {"Value": "Size"}, [m.UNUSED_INDEX],
        first="Look at the standbys and at how long the statistics have run before one is dropped.",
        unit="bytes", width=10, height=8, sort="Size", descending=True,
    )  # fmt: skip


def _redundant() -> Panel:
    query = Query(f"topk(20, sum by ({_TABLE}, indexrelname, covered_by, kind) ({select(m.REDUNDANT_INDEX)}))")
    return table(
        "Redundant indexes", [query], _INDEX_COLUMNS | {"covered_by": "Covered by", "kind": "Kind", "Value": "Size"}, [m.REDUNDANT_INDEX],
        unit="bytes", width=14, height=8, sort="Size", descending=True,
    )  # fmt: skip


def _spare() -> Panel:
    queries = [
        Query(f"sum by (instance, datname) ({select(m.UNUSED_INDEXES_SIZE)})", "{{instance}} {{datname}} unused"),
        Query(f"sum by (instance, datname, kind) ({select(m.REDUNDANT_INDEXES_SIZE)})", "{{instance}} {{datname}} {{kind}}"),
    ]
    return lines(
        "Size of indexes that nobody needs", queries, [m.UNUSED_INDEXES_SIZE, m.REDUNDANT_INDEXES_SIZE], width=12, fill=0
    )  # fmt: skip


def _sequences() -> Panel:
    level = LEVELS["sequence_used_ratio"]
    query = Query(
        f"topk(20, max by (instance, datname, schemaname, sequencename) ({select(m.SEQUENCE_USED)}))",
        "{{instance}} {{datname}} {{schemaname}}.{{sequencename}}",
    )
    return bars(
        "Fullest sequences", query, [m.SEQUENCE_USED], width=12, height=8,
        thresholds=steps((None, GREEN), (level.warning, ORANGE), (level.critical, RED)),
    )  # fmt: skip


def _log_written() -> Panel:
    return lines(
        "Log written, bytes a second", [Query(_rate(m.WAL_BYTES, "instance"), "{{instance}}")], [m.WAL_BYTES],
        unit="bytes", width=12, fill=0,
    )  # fmt: skip


def _receivers() -> Panel:
    standbys = f"max by (instance) ({select(m.RECEIVER_STREAMING)})"
    primaries = f"max by (instance) ({select(m.REPLICATION_IS_REPLICA)} == 0) + 1"
    return lines(
        "Standbys that receive", [Query(f"{standbys} or {primaries}", "{{instance}}")], [m.RECEIVER_STREAMING, m.REPLICATION_IS_REPLICA],
        first="0 is a standby that is cut off; a primary, which follows nobody, is shown as 1.", width=12, fill=0,
    )  # fmt: skip


def _checkpoints() -> Panel:
    queries = [
        Query(f"{_rate(m.BGWRITER_TIMED, 'instance')} * 3600", "{{instance}} by time"),
        Query(f"{_rate(m.BGWRITER_REQ, 'instance')} * 3600", "{{instance}} asked for"),
    ]
    return lines("Checkpoints an hour", queries, [m.BGWRITER_TIMED, m.BGWRITER_REQ], width=8, fill=0)


def _log() -> Panel:
    return lines("Log on disk", [Query(f"max by (instance) ({select(m.WAL_SIZE)})", "{{instance}}")], [m.WAL_SIZE], width=8)


def _archive() -> Panel:
    queries = [
        Query(f"{_rate(m.ARCHIVED, 'instance')} * 3600", "{{instance}} archived"),
        Query(f"{_rate(m.ARCHIVE_FAILED, 'instance')} * 3600", "{{instance}} failed"),
    ]
    return lines("Archiving an hour", queries, [m.ARCHIVED, m.ARCHIVE_FAILED], width=8, fill=0, dashed=" failed$")


def _slots() -> Panel:
    return lines(
        "Log held back by slots", [Query(f"max by (instance, slot_name) ({select(m.SLOTS_DIFF)})", "{{instance}} {{slot_name}}")],
        [m.SLOTS_DIFF], width=8, fill=0,
    )  # fmt: skip


def _lag() -> Panel:
    level = LEVELS["replication_lag_seconds"]
    return lines(
        "Replication lag", [Query(f"max by (instance) ({select(m.REPLICATION_LAG)})", "{{instance}}")], [m.REPLICATION_LAG],
        width=8, fill=0, thresholds=steps((None, "transparent"), (level.warning, ORANGE), (level.critical, RED)),
    )  # fmt: skip


def _behind() -> Panel:
    behind = f"max by (instance) ({select(m.STAT_REPLICATION_DIFF)}) or max by (instance) ({select(m.REPLICATION_LAG)} * 0)"
    return lines(
        "Furthest standby of each server", [Query(behind, "{{instance}}")], [m.STAT_REPLICATION_DIFF],
        first="0 for a server that nobody follows.", width=8, fill=0,
    )  # fmt: skip


def _ids_used() -> Panel:
    level = LEVELS["wraparound_ratio"]
    queries = [
        Query(f"max by (instance, datname) ({select(m.WRAPAROUND_XID)}) / 2^31", "{{instance}} {{datname}}"),
        Query(f"max by (instance, datname) ({select(m.WRAPAROUND_MXID)}) / 2^31", "{{instance}} {{datname}} multixact"),
    ]
    return lines(
        "Transaction and multixact ids used", queries, [m.WRAPAROUND_XID, m.WRAPAROUND_MXID], unit="ratio", width=8, fill=0,
        dashed=" multixact$", thresholds=steps((None, "transparent"), (level.warning, ORANGE), (level.critical, RED)),
    )  # fmt: skip


def _ids_left() -> Panel:
    ids = select(m.WRAPAROUND_XID)
    left = f"max by (instance, datname) (clamp((2^31 - {ids}) / clamp_min(deriv({ids}[6h]), 1e-3), 0, {TEN_YEARS}))"
    return lines(
        "Time until ids run out", [Query(left, "{{instance}} {{datname}}")], [m.WRAPAROUND_XID],
        first="At the pace of six hours, if vacuum froze nothing from now on; ten years stand for never.", unit="seconds", width=8, fill=0,
    )  # fmt: skip


def _connections_left() -> Panel:
    pace = f"sum by (instance) (deriv({select(m.DB_BACKENDS)}[30m]))"
    left = f"clamp(({ALLOWED} - {USED}) / clamp_min({pace}, 1e-6), 0, {TEN_YEARS})"
    return lines(
        "Time until all connections are used", [Query(left, "{{instance}}")], [m.DB_BACKENDS, MAX_CONNECTIONS],
        first="At the pace of half an hour; ten years stand for never.", unit="seconds", width=8, fill=0,
    )  # fmt: skip


def _scrape() -> Panel:
    return lines(
        "Time a scrape takes", [Query(f"max by (instance) ({select(m.SCRAPE_DURATION)})", "{{instance}}")], [m.SCRAPE_DURATION],
        width=12, fill=0,
    )  # fmt: skip


def _collectors() -> Panel:
    return lines(
        "Time each collector takes",
        [Query(f"topk(10, max by (instance, collector) ({select(m.COLLECTOR_DURATION)}))", "{{instance}} {{collector}}")],
        [m.COLLECTOR_DURATION], first="The ten slowest at each moment.", width=12, fill=0,
    )  # fmt: skip
