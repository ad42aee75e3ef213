"""MySQL 8.0 to 9 and MariaDB 10.6 to 11."""

from __future__ import annotations

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.handshake.series import CERTIFICATE_EVERY, CERTIFICATE_METRICS, CERTIFICATE_REMAINING
from tocsin.metric import Metric
from tocsin.source import Collector, Module, Reference, Source
from tocsin.sources.mysql import metrics as m
from tocsin.sources.mysql import queries as q
from tocsin.sources.mysql import show as s
from tocsin.sources.mysql.config import GRANTS, MysqlOptions, visit
from tocsin.sources.mysql.statements import ASK_STATEMENTS
from tocsin.sql import Ask, Query

_certificate = Module("tocsin.sources.mysql.certificate")
_inspect = Module("tocsin.sources.mysql.inspect")
_session = Module("tocsin.sources.mysql.session")


def _asks(query: Query, help: str, enabled: bool = False) -> Collector:
    """A live collector that is one query: its metrics are those of the query's columns."""
    return Collector(query.name, help, tuple(query.values.values()), Ask(query), enabled=enabled)


def _reads(ask: Ask, help: str, cells: q.Cells) -> Collector:
    """A live collector, off by default, whose rows hold several values of each metric."""
    return Collector(ask.query.name, help, tuple(dict.fromkeys(metric for metric, _ in cells.values())), ask, enabled=False)


_GROUPED: tuple[Metric, ...] = (
    m.STATUS_COMMANDS, m.STATUS_HANDLERS, m.STATUS_CONNECTION_ERRORS, m.STATUS_POOL_PAGES, m.STATUS_DIRTY_PAGES,
    m.STATUS_PAGE_CHANGES, m.STATUS_ROW_OPS, m.STATUS_LOST, m.GALERA_STATUS,
)  # fmt: skip

SOURCE = Source(
    kind="mysql",
    help="MySQL 8.0 to 9 and MariaDB 10.6 to 11, under mysqld_exporter's names",
    options=MysqlOptions,
    open=_session.MysqlSession,
    up=m.UP,
    # The collectors have the reference exporter's names, so that its flags can be carried over word by word.
    reference=Reference(m.COLLECTOR_SUCCESS, m.COLLECTOR_DURATION, prefix="collect."),
    collectors=(
        Collector("global_status", "what the server counts", (m.STATUS, *_GROUPED, *m.EVS_LATENCY), s.ASK_STATUS),
        Collector(
            "global_variables",
            "how the server is configured, and its version",
            (m.VARIABLES, m.VERSION, m.GALERA_VARIABLES, m.GCACHE, m.ISOLATION),
            s.ASK_VARIABLES,
        ),
        Collector("slave_status", "how a replica follows, each channel", (m.REPLICA, m.GTID_IO, m.GTID_SLAVE), s.ASK_REPLICA),
        _asks(q.TRANSACTIONS, "transactions that are open or wait for a lock", enabled=True),
        _asks(q.DATABASE_SIZE, "disk space of each database", enabled=True),
        Collector(
            "info_schema.processlist",
            "connections by command and state, by user and by host",
            (m.PROCESSLIST_THREADS, m.PROCESSLIST_SECONDS, m.PROCESSES_BY_USER, m.PROCESSES_BY_HOST),
            q.ASK_PROCESSLIST,
        ),
        _asks(q.CMP, "compression of InnoDB pages", enabled=True),
        _asks(q.CMPMEM, "memory for compressed InnoDB pages", enabled=True),
        Collector(
            "info_schema.query_response_time",
            "statements by the time they took, with the plugin of that name",
            (m.RESPONSE_TIME, m.RESPONSE_TIME_READ, m.RESPONSE_TIME_WRITE),
            q.collect_response_time,
        ),
        Collector(
            "info_schema.tables", "rows and size of each table", (m.TABLE_VERSION, m.TABLE_ROWS, m.TABLE_SIZE), q.ASK_TABLES, enabled=False
        ),
        _asks(q.AUTO_INCREMENT, "how far AUTO_INCREMENT columns are used up"),
        Collector(
            "info_schema.innodb_metrics",
            "InnoDB's own counters",
            (m.INNODB_COUNTERS, m.INNODB_GAUGES, m.INNODB_PAGE_READ, m.INNODB_PAGE_WRITTEN, m.INNODB_POOL_PAGES, m.INNODB_DIRTY_PAGES),
            q.ASK_INNODB_METRICS,
            enabled=False,
        ),
        _asks(q.TABLESPACES, "size of each InnoDB tablespace"),
        Collector(
            "info_schema.userstats", "what each user does; userstat=ON", tuple(m.USER_STATISTICS.values()), q.collect_user_statistics,
            enabled=False,
        ),
        Collector(
            "info_schema.clientstats", "what each client does; userstat=ON", tuple(m.CLIENT_STATISTICS.values()),
            q.collect_client_statistics, enabled=False,
        ),
        Collector(
            "info_schema.tablestats", "rows read and changed in each table; userstat=ON", m.TABLE_STATISTICS, q.collect_table_statistics,
            enabled=False,
        ),
        Collector(
            "info_schema.schemastats", "rows read and changed in each schema; userstat=ON", m.SCHEMA_STATISTICS,
            q.collect_schema_statistics, enabled=False,
        ),
        _asks(q.AURORA, "lag of the replicas of an Aurora cluster"),
        Collector(
            "perf_schema.eventsstatements", "the 250 statements that take the most time, and the others as one",
            (*m.STATEMENTS, m.STATEMENTS_CPU, m.STATEMENTS_LATENCY, m.STATEMENTS_LATENCY_SUM, m.STATEMENTS_LATENCY_COUNT),
            ASK_STATEMENTS, enabled=False,
        ),
        _asks(q.STATEMENTS_SUM, "all statements together"),
        _asks(q.WAITS, "waits by event"),
        _reads(q.ASK_FILE_EVENTS, "operations on files by event", q.FILE_EVENTS_CELLS),
        _reads(q.ASK_FILE_INSTANCES, "operations on each file", q.FILE_INSTANCES_CELLS),
        _reads(q.ASK_TABLE_IO, "operations on rows of each table", q.TABLE_IO_CELLS),
        _reads(q.ASK_INDEX_IO, "operations through each index", q.INDEX_IO_CELLS),
        _reads(q.ASK_TABLE_LOCKS, "locks of each table", q.TABLE_LOCKS_CELLS),
        _asks(q.MEMORY, "memory by event"),
        _asks(q.GROUP_MEMBERS, "members of the replication group, MySQL"),
        _asks(q.GROUP_STATS, "conflicts and queues of the replication group, MySQL"),
        _asks(q.WORKERS, "what each worker of a replica applies, MySQL"),
        Collector(
            "binlog_size", "size and number of the binary logs", (m.BINLOG_SIZE, m.BINLOG_FILES, m.BINLOG_NUMBER),
            s.collect_binary_logs, enabled=False,
        ),
        Collector("heartbeat", "lag by pt-heartbeat's table", (m.HEARTBEAT_STORED, m.HEARTBEAT_NOW), q.collect_heartbeat, enabled=False),
        Collector("slave_hosts", "replicas that are registered with this server", (m.SLAVE_HOSTS,), s.ASK_REPLICA_HOSTS, enabled=False),
        Collector(
            "engine_innodb_status", "queries and read views inside InnoDB",
            (m.INNODB_QUERIES_INSIDE, m.INNODB_QUERIES_QUEUED, m.INNODB_READ_VIEWS), s.ASK_INNODB_STATUS, enabled=False,
        ),
        Collector("engine_tokudb_status", "the storage engine TokuDB, where there is one", (m.TOKUDB,), s.ASK_TOKUDB_STATUS, enabled=False),
        _asks(q.ACCOUNTS, "limits of each account"),
        _asks(q.PRIVILEGES, "global privileges of each account"),
        _asks(q.SYS, "what each user does, by the sys schema"),
        Collector(
            "certificate", "the certificate that the server shows: whose, until when, and whether it is to be trusted",
            CERTIFICATE_METRICS, _certificate.collect_certificate, every=CERTIFICATE_EVERY, timeout=15.0,
        ),
        Collector(
            "schema", "changes of tables, views, programs and rights in every watched database", vitals.SCHEMA, _inspect.collect_schema,
            every=10.0, events=(EventKind.SCHEMA,),
        ),
    ),
    schemas=_inspect.read_schemas,
    thresholds=(*m.THRESHOLDS, CERTIFICATE_REMAINING),
    visit=visit,
    grants=GRANTS,
)  # fmt: skip
