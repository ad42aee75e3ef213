"""What SHOW statements say: names and values that the server chooses, and the series that they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache

from tocsin.metric import Labels, Metric, Value
from tocsin.source import Run
from tocsin.sources.mysql import metrics as m
from tocsin.sources.mysql.session import MARIADB, MysqlSession
from tocsin.sql import Ask, Query, Result

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_WORDS: dict[bytes, Value] = {
    b"yes": 1, b"on": 1, b"primary": 1,
    b"no": 0, b"off": 0, b"disabled": 0, b"connecting": 0, b"non-primary": 0, b"disconnected": 0,
}  # fmt: skip
_DATES = ("%b %d %H:%M:%S %Y %Z", "%Y-%m-%d %H:%M:%S")


def value_of(text: bytes | None) -> Value | None:
    """Return the number that a status value means, None for one that is no number.

    Words and dates are read as mysqld_exporter reads them; a number stays the text that it is.
    """
    if text is None:
        return None
    if _NUMBER.match(text):
        return text
    word = _WORDS.get(text.lower())
    if word is not None or len(text) < 19 or not (text[:4].isdigit() or text.endswith((b"GMT", b"UTC"))):
        return word
    for form in _DATES:
        try:
            return int(datetime.strptime(text.decode(), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


def _pairs(result: Result) -> Iterator[tuple[str, bytes]]:
    for name, value in result.rows:
        yield (name or b"").decode(), value or b""


def _series_name(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name).lower()


_GROUPS: dict[str, Metric] = {
    "com": m.STATUS_COMMANDS,
    "handler": m.STATUS_HANDLERS,
    "connection_errors": m.STATUS_CONNECTION_ERRORS,
    "innodb_rows": m.STATUS_ROW_OPS,
    "performance_schema": m.STATUS_LOST,
}
_GROUPED = re.compile(r"(com|handler|connection_errors|innodb_buffer_pool_pages|innodb_rows|performance_schema)_(.*)")
_POOL_STATES = ("data", "free", "misc", "old")


@lru_cache(maxsize=4096)
def status_series(name: str) -> tuple[Metric, Labels] | None:
    """Return the series of a status variable; None for the one that is left out because it is the sum of others."""
    name = _series_name(name)
    match = _GROUPED.fullmatch(name)
    if match is None:
        return m.STATUS.metric(f"mysql_global_status_{name}", "Generic metric from SHOW GLOBAL STATUS."), ()
    group, rest = match.groups()
    if group != "innodb_buffer_pool_pages":
        return _GROUPS[group], (rest,)
    if rest in _POOL_STATES:
        return m.STATUS_POOL_PAGES, (rest,)
    if rest == "dirty":
        return m.STATUS_DIRTY_PAGES, ()
    return None if rest == "total" else (m.STATUS_PAGE_CHANGES, (rest,))


def emit_status(_session: MysqlSession, run: Run, result: Result) -> None:
    words: dict[str, str] = {}
    for name, text in _pairs(result):
        if name.startswith("wsrep_"):
            words[name] = text.decode()
        value = value_of(text)
        series = status_series(name) if value is not None else None
        if series is not None:
            run.emit(series[0], value, series[1])
    if words.get("wsrep_local_state_uuid"):
        run.emit(m.GALERA_STATUS, 1, tuple(words.get(label, "") for label in m.GALERA_STATUS.labels))
    latency = words.get("wsrep_evs_repl_latency", "").split("/")
    if len(latency) == len(m.EVS_LATENCY):
        for metric, part in zip(m.EVS_LATENCY, latency, strict=True):
            run.emit(metric, value_of(part.encode()))


@lru_cache(maxsize=4096)
def variable_series(name: str) -> Metric:
    return m.VARIABLES.metric(f"mysql_global_variables_{_series_name(name)}", "Generic gauge metric from SHOW GLOBAL VARIABLES.")


_SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def emit_variables(_session: MysqlSession, run: Run, result: Result) -> None:
    words: dict[str, str] = {}
    for name, text in _pairs(result):
        words[name] = text.decode("utf-8", "replace")
        value = value_of(text)
        if value is not None:
            run.emit(variable_series(name), value)
    run.emit(m.VERSION, 1, tuple(words.get(label, "") for label in m.VERSION.labels))
    isolation = words.get("transaction_isolation") or words.get("tx_isolation")
    if isolation:
        run.emit(m.ISOLATION, 1, (isolation,))
    if words.get("wsrep_cluster_name"):
        run.emit(m.GALERA_VARIABLES, 1, (words["wsrep_cluster_name"],))
    size = re.search(r"\bgcache\.size = (\d+)([KMGT]?)", words.get("wsrep_provider_options", ""))
    if size:
        run.emit(m.GCACHE, int(size[1]) * _SIZES[size[2]])


@lru_cache(maxsize=512)
def replica_columns(column: str) -> tuple[str, ...]:
    """Return the names of a column: as the server has it, and for the words of MySQL 8.0.22 and newer also as it was before.

    Rules and dashboards know the old ones.
    """
    name = _series_name(column)
    old = re.sub(r"(?<![a-z])replica(?![a-z])", "slave", re.sub(r"(?<![a-z])source(?![a-z])", "master", name))
    return (name,) if old == name else (name, old)


def emit_replica(_session: MysqlSession, run: Run, result: Result) -> None:
    """Emit one set of series for each channel or connection; a server that is no replica has no row."""
    for row in result.rows:
        words = {name: text for column, text in zip(result.columns, row, strict=True) for name in replica_columns(column)}
        labels = tuple((words.get(label) or b"").decode() for label in m.REPLICA.labels)
        for name, text in words.items():
            value = value_of(text)
            if value is not None:
                run.emit(m.REPLICA.metric(f"mysql_slave_status_{name}", "Generic metric from SHOW SLAVE STATUS."), value, labels)
        for column, metric in (("gtid_io_pos", m.GTID_IO), ("gtid_slave_pos", m.GTID_SLAVE)):
            for domain, server, sequence in _gtids(words.get(column)):
                run.emit(metric, int(sequence), (*labels, domain, server))


def _gtids(text: bytes | None) -> Iterable[tuple[str, str, str]]:
    """Split MariaDB's `domain-server-sequence,...`; MySQL's sets of UUIDs have another form and give nothing."""
    return re.findall(r"(?:^|,)(\d+)-(\d+)-(\d+)(?=,|$)", (text or b"").decode())


def collect_binary_logs(session: MysqlSession, run: Run) -> None:
    """Emit size and number of the binary logs; a server without has none of these series."""
    ((on,),) = session.rows("SELECT @@log_bin", run)
    logs = session.rows("SHOW BINARY LOGS", run) if on == b"1" else []
    if logs:
        run.emit(m.BINLOG_SIZE, sum(int(row[1] or b"0") for row in logs))
        run.emit(m.BINLOG_FILES, len(logs))
        run.emit(m.BINLOG_NUMBER, int((logs[-1][0] or b"0").rpartition(b".")[2]))


def emit_replica_hosts(_session: MysqlSession, run: Run, result: Result) -> None:
    # The words for the same column: MariaDB and MySQL 8.0 (Master_id), MySQL 8.0.22 and newer (Source_Id).
    names = {"server_id": "server_id", "host": "slave_host", "port": "port", "slave_uuid": "slave_uuid", "master_id": "master_id"}
    for row in result.rows:
        words = {names.get(replica_columns(column)[-1], ""): text for column, text in zip(result.columns, row, strict=True)}
        run.emit(m.SLAVE_HOSTS, 1, tuple((words.get(label) or b"").decode() for label in m.SLAVE_HOSTS.labels))


_INSIDE = re.compile(rb"(\d+) queries inside InnoDB, (\d+) queries in queue")
_VIEWS = re.compile(rb"(\d+) read views open inside InnoDB")


def emit_innodb_status(_session: MysqlSession, run: Run, result: Result) -> None:
    for row in result.rows:
        text = row[-1] or b""
        if inside := _INSIDE.search(text):
            run.emit(m.INNODB_QUERIES_INSIDE, inside[1])
            run.emit(m.INNODB_QUERIES_QUEUED, inside[2])
        if views := _VIEWS.search(text):
            run.emit(m.INNODB_READ_VIEWS, views[1])


def emit_tokudb_status(_session: MysqlSession, run: Run, result: Result) -> None:
    for _type, name, text in result.rows:
        value = value_of(text)
        if value is not None:
            full = "mysql_engine_tokudb_" + re.sub(r"\W", "_", (name or b"").decode().replace("-", "").replace(": ", "_")).lower()
            run.emit(m.TOKUDB.metric(full, "Generic metric from SHOW ENGINE TOKUDB STATUS."), value)


STATUS = Query("global_status", sql=((80000, "SHOW GLOBAL STATUS"),), values={})
VARIABLES = Query("global_variables", sql=((80000, "SHOW GLOBAL VARIABLES"),), values={})
REPLICA = Query(
    "slave_status",
    sql=((MARIADB, "SHOW ALL SLAVES STATUS"), (80022, "SHOW REPLICA STATUS"), (80000, "SHOW SLAVE STATUS")),
    values={},
)
REPLICA_HOSTS = Query("slave_hosts", sql=((MARIADB, "SHOW SLAVE HOSTS"), (80022, "SHOW REPLICAS"), (80000, "SHOW SLAVE HOSTS")), values={})
INNODB_STATUS = Query("engine_innodb_status", sql=((80000, "SHOW ENGINE INNODB STATUS"),), values={})
TOKUDB_STATUS = Query("engine_tokudb_status", sql=((80000, "SHOW ENGINE TOKUDB STATUS"),), values={})

ASK_STATUS = Ask(STATUS, emit_status)
ASK_VARIABLES = Ask(VARIABLES, emit_variables)
ASK_REPLICA = Ask(REPLICA, emit_replica)
ASK_REPLICA_HOSTS = Ask(REPLICA_HOSTS, emit_replica_hosts)
ASK_INNODB_STATUS = Ask(INNODB_STATUS, emit_innodb_status)
ASK_TOKUDB_STATUS = Ask(TOKUDB_STATUS, emit_tokudb_status)
