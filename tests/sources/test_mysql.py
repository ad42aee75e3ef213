"""The MySQL source against a real MariaDB: the contract of names, the values, the connection."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from mariadb import MariaDB, mysql_options
from servers import free_port
from tocsin import catalog
from tocsin.errors import SetupError, Unsupported
from tocsin.metric import Metric
from tocsin.options import Duration, Secret
from tocsin.source import Run
from tocsin.sources.mysql import SOURCE
from tocsin.sources.mysql.config import MysqlOptions, read_option_file
from tocsin.sources.mysql.queries import innodb_series
from tocsin.sources.mysql.session import MysqlSession, version_number
from tocsin.sources.mysql.show import replica_columns, status_series, value_of
from tocsin.sql import Ask, OwnMetric, OwnQuery
from watching import Page, Watch, eventually

CHANNEL = ("master_host", "master_uuid", "channel_name", "connection_name")
TABLE, OPERATION, FILE_MODE = ("schema", "table"), ("schema", "name", "operation"), ("event_name", "mode")
Contract = dict[str, tuple[str, tuple[str, ...]]]


def each(pattern: str, names: str, type: str, labels: tuple[str, ...] = ()) -> Contract:
    return {pattern.format(name): (type, labels) for name in names.split()}


# mysqld_exporter 0.20 on MariaDB 10.11 that is no replica: type and labels by name.
DEFAULT: Contract = {
    "mysql_up": ("gauge", ()),
    **each("mysql_exporter_collector_{}", "success duration_seconds", "gauge", ("collector",)),
    **each("mysql_global_status_{}_total", "commands", "counter", ("command",)),
    **each("mysql_global_status_{}_total", "handlers", "counter", ("handler",)),
    **each("mysql_global_status_{}_total", "connection_errors", "counter", ("error",)),
    **each("mysql_global_status_{}_total", "buffer_pool_page_changes", "counter", ("operation",)),
    **each("mysql_global_status_{}_total", "performance_schema_lost", "counter", ("instrumentation",)),
    "mysql_global_status_buffer_pool_pages": ("gauge", ("state",)),
    "mysql_global_status_buffer_pool_dirty_pages": ("gauge", ()),
    "mysql_version_info": ("gauge", ("innodb_version", "version", "version_comment")),
    "mysql_galera_variables_info": ("gauge", ("wsrep_cluster_name",)),
    "mysql_transaction_isolation": ("gauge", ("level",)),
    **each(
        "mysql_info_schema_innodb_cmp_{}_total",
        "compress_ops compress_ops_ok compress_time_seconds uncompress_ops uncompress_time_seconds", "counter", ("page_size",),
    ),
    **each(
        "mysql_info_schema_innodb_cmpmem_{}_total", "pages_used pages_free relocation_ops relocation_time_seconds", "counter",
        ("page_size", "buffer_pool"),
    ),
    **each("mysql_info_schema_processlist_{}", "threads seconds", "gauge", ("command", "state")),
    "mysql_info_schema_processlist_processes_by_user": ("gauge", ("mysql_user",)),
    "mysql_info_schema_processlist_processes_by_host": ("gauge", ("client_host",)),
}  # fmt: skip
STATISTICS = """
    total_connections connected_time_seconds_total busy_seconds_total cpu_time_seconds_total bytes_received_total bytes_sent_total
    binlog_bytes_written_total rows_read_total rows_sent_total rows_deleted_total rows_inserted_total rows_updated_total
    select_commands_total update_commands_total other_commands_total commit_transactions_total rollback_transactions_total
    denied_connections_total lost_connections_total access_denied_total empty_queries_total total_ssl_connections_total
"""
STATEMENTS_SUM = """
    total created_tmp_disk_tables created_tmp_tables errors lock_time no_good_index_used no_index_used rows_affected rows_examined
    rows_sent select_full_join select_full_range_join select_range select_range_check select_scan sort_merge_passes sort_range
    sort_rows sort_scan timer_wait warnings
"""
STATEMENTS = """
    total seconds_total lock_time_seconds_total errors_total warnings_total rows_affected_total rows_sent_total rows_examined_total
    tmp_tables_total tmp_disk_tables_total sort_merge_passes_total sort_rows_total no_index_used_total
"""
PRIVILEGES = """
    select insert update delete create drop reload shutdown process file grant references index alter show_db super create_tmp_table
    lock_tables execute repl_slave repl_client create_view show_view create_routine alter_routine create_user event trigger
    create_tablespace
"""
OPTIONAL: Contract = {
    "mysql_info_schema_table_version": ("gauge", (*TABLE, "type", "engine", "row_format", "create_options")),
    "mysql_info_schema_table_rows": ("gauge", TABLE),
    "mysql_info_schema_table_size": ("gauge", (*TABLE, "component")),
    **each("mysql_info_schema_auto_increment_{}", "column column_max", "gauge", (*TABLE, "column")),
    "mysql_info_schema_innodb_metrics_buffer_pool_pages": ("gauge", ("state",)),
    "mysql_info_schema_innodb_metrics_buffer_pool_dirty_pages": ("gauge", ()),
    "mysql_info_schema_innodb_tablespace_space_info": ("gauge", ("tablespace_name", "file_format", "row_format", "space_type")),
    **each("mysql_info_schema_innodb_tablespace_{}_size_bytes", "file allocated", "gauge", ("tablespace_name",)),
    **each("mysql_info_schema_user_statistics_{}", STATISTICS, "counter", ("user",)),
    **each("mysql_info_schema_client_statistics_{}", STATISTICS, "counter", ("client",)),
    "mysql_info_schema_user_statistics_concurrent_connections": ("gauge", ("user",)),
    "mysql_info_schema_client_statistics_concurrent_connections": ("gauge", ("client",)),
    "mysql_info_schema_user_statistics_max_statement_time_exceeded": ("untyped", ("user",)),
    "mysql_info_schema_client_statistics_max_statement_time_exceeded_total": ("counter", ("client",)),
    **each("mysql_info_schema_table_statistics_{}_total", "rows_read rows_changed rows_changed_x_indexes", "counter", TABLE),
    **each("mysql_info_schema_schema_statistics_{}_total", "rows_read rows_changed rows_changed_x_indexes", "counter", ("schema",)),
    **each("mysql_perf_schema_events_statements_{}", STATEMENTS, "counter", ("schema", "digest", "digest_text")),
    **each("mysql_perf_schema_events_statements_sum_{}", STATEMENTS_SUM, "counter"),
    **each("mysql_perf_schema_events_waits_{}", "total seconds_total", "counter", ("event_name",)),
    **each("mysql_perf_schema_file_events_{}", "total seconds_total bytes_total", "counter", FILE_MODE),
    **each("mysql_perf_schema_file_instances_{}", "total bytes", "counter", ("file_name", *FILE_MODE)),
    **each("mysql_perf_schema_table_io_waits_{}", "total seconds_total", "counter", OPERATION),
    **each("mysql_perf_schema_index_io_waits_{}", "total seconds_total", "counter", ("schema", "name", "index", "operation")),
    **each("mysql_perf_schema_sql_lock_waits_{}", "total seconds_total", "counter", OPERATION),
    **each("mysql_perf_schema_external_lock_waits_{}", "total seconds_total", "counter", OPERATION),
    **each("mysql_perf_schema_memory_events_{}_bytes_total", "alloc free", "counter", ("event_name",)),
    "mysql_perf_schema_memory_events_used_bytes": ("gauge", ("event_name",)),
    **each("mysql_binlog_{}", "size_bytes files file_number", "gauge"),
    **each("mysql_heartbeat_{}_timestamp_seconds", "stored now", "gauge", ("server_id",)),
    "mysql_engine_innodb_read_views_open_inside_innodb": ("gauge", ()),
    **each("mysql_mysql_max_{}", "questions updates connections user_connections", "gauge", ("mysql_user", "hostmask")),
    **each("mysql_mysql_{}_priv", PRIVILEGES, "gauge", ("mysql_user", "hostmask")),
    **each(
        "mysql_sys_{}", "statements_total statement_latency table_scans_total file_ios_total file_io_seconds_total connections_total "
        "unique_hosts_total memory_allocated_bytes_total", "counter", ("user",),
    ),
    **each("mysql_sys_{}", "current_connections current_memory_bytes", "gauge", ("user",)),
}  # fmt: skip
FAMILIES = re.compile(r"mysql_global_(status|variables)_|mysql_info_schema_innodb_metrics_")


@pytest.fixture
def watch(mariadb: MariaDB, tmp_path: Path) -> Iterator[Watch]:
    with Watch(mysql_options(mariadb.dsn()), tmp_path / "state") as found:
        yield found


@pytest.fixture
def watch_all(mariadb: MariaDB, tmp_path: Path) -> Iterator[Watch]:
    with Watch(mysql_options(mariadb.dsn(), collectors={c.name: True for c in SOURCE.collectors}), tmp_path / "state") as found:
        yield found


@pytest.fixture
def shop(mariadb: MariaDB) -> Iterator[str]:
    """A database with a table that has been used."""
    mariadb.execute(
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80), KEY (email))",
        "INSERT INTO shop.orders (email) SELECT CONCAT('e', seq) FROM shop.seq_1_to_500",
    )
    mariadb.execute("SELECT COUNT(*) FROM orders WHERE email LIKE 'e1%'", database="shop")
    mariadb.execute("CREATE DATABASE heartbeat", "CREATE TABLE heartbeat.heartbeat (ts VARCHAR(26), server_id INT PRIMARY KEY)")
    mariadb.execute("INSERT INTO heartbeat.heartbeat VALUES (NOW(6) - INTERVAL 7 SECOND, 9)")
    yield "shop"
    mariadb.execute("DROP DATABASE shop", "DROP DATABASE heartbeat")


def served(page: Page) -> dict[str, tuple[str, set[tuple[str, ...]]]]:
    """Return type and the label names seen, by name, of what is the server's own on a page, the dynamic names left out."""
    found: dict[str, tuple[str, set[tuple[str, ...]]]] = {}
    for name, labels, _ in page.samples:
        if name.startswith("mysql_") and (labels or not FAMILIES.match(name) or name in DEFAULT or name in OPTIONAL):
            found.setdefault(name, (page.types[name], set()))[1].add(tuple(sorted(labels)))
    return found


def expected(contract: Contract) -> dict[str, tuple[str, set[tuple[str, ...]]]]:
    return {name: (type_, {tuple(sorted(labels))}) for name, (type_, labels) in contract.items()}


def test_every_default_series_has_the_name_type_and_labels_of_the_contract(watch: Watch, mariadb: MariaDB) -> None:
    with mariadb.session():  # somebody whom the process list shows
        assert served(watch.scrape()) == expected(DEFAULT)


def test_every_optional_series_has_the_name_type_and_labels_of_the_contract(watch_all: Watch, mariadb: MariaDB, shop: str) -> None:
    with mariadb.session():
        assert served(watch_all.scrape()) == expected(DEFAULT | OPTIONAL)


def test_every_collector_has_run_and_none_has_failed(watch_all: Watch, shop: str) -> None:
    page = watch_all.scrape()
    assert {c.name: str(r.error) for c, r in watch_all.target.records.items() if r.error} == {}
    names = {f"collect.{c.name}" for c in SOURCE.collectors}
    assert {labels["collector"] for labels, value in page.all("mysql_exporter_collector_success") if value == 1} == names


def test_signals_that_other_sources_know_too_mean_the_same() -> None:
    for threshold in SOURCE.thresholds:
        known = catalog.thresholds()[threshold.signal]
        for source in catalog.SOURCES:
            for other in source.thresholds:
                if other.signal == threshold.signal:
                    assert (other.help, other.unit) == (known.help, known.unit), threshold.signal


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"42", b"42"), (b"-1", b"-1"), (b"0.125", b"0.125"), (b"1e-7", b"1e-7"), (b".5", b".5"), (b"ON", 1), (b"Yes", 1), (b"off", 0),
        (b"DISABLED", 0), (b"Connecting", 0), (b"Primary", 1), (b"non-Primary", 0), (b"Disconnected", 0),
        (b"Nov 19 12:00:00 2034 GMT", 2047550400), (b"Nov  9 12:00:00 2034 GMT", 2046686400), (b"2026-01-02 03:04:05", 1767323045),
        (b"", None), (b"mysql-bin.000047", None), (b"10.0.0.1", None), (b"0x10", None), (b"1 2", None), (b"NULL", None), (b"1\n", None),
        (b"2026-13-02 03:04:05", None), (b"a certificate of GMT", None), (None, None), (b"\xff", None), (b"nan", None),
    ],
)  # fmt: skip
def test_values_are_read_as_the_reference_exporter_reads_them(text: bytes | None, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("variable", "name", "labels"),
    [
        ("Threads_connected", "mysql_global_status_threads_connected", ()),
        ("Com_alter_table", "mysql_global_status_commands_total", ("alter_table",)),
        ("Handler_read_rnd_next", "mysql_global_status_handlers_total", ("read_rnd_next",)),
        ("Connection_errors_accept", "mysql_global_status_connection_errors_total", ("accept",)),
        ("Innodb_buffer_pool_pages_free", "mysql_global_status_buffer_pool_pages", ("free",)),
        ("Innodb_buffer_pool_pages_dirty", "mysql_global_status_buffer_pool_dirty_pages", ()),
        ("Innodb_buffer_pool_pages_made_young", "mysql_global_status_buffer_pool_page_changes_total", ("made_young",)),
        ("Innodb_rows_read", "mysql_global_status_innodb_row_ops_total", ("read",)),
        ("Performance_schema_file_handles_lost", "mysql_global_status_performance_schema_lost_total", ("file_handles_lost",)),
        ("Caching_sha2-x.y", "mysql_global_status_caching_sha2_x_y", ()),
        ("Compression", "mysql_global_status_compression", ()),
    ],
)
def test_status_variables_become_the_series_of_the_contract(variable: str, name: str, labels: tuple[str, ...]) -> None:
    series = status_series(variable)
    assert series is not None
    assert (series[0].name, series[1]) == (name, labels)


def test_total_of_the_buffer_pool_is_left_out() -> None:
    assert status_series("Innodb_buffer_pool_pages_total") is None


def test_status_is_the_servers(watch: Watch, mariadb: MariaDB) -> None:
    before = {name.lower(): value for name, value in mariadb.execute("SHOW GLOBAL STATUS")}
    page = watch.scrape()
    after = {name.lower(): value for name, value in mariadb.execute("SHOW GLOBAL STATUS")}
    compared = 0
    for name, value in before.items():
        ours = page.value(f"mysql_global_status_{name}")
        if value == after[name] and re.fullmatch(r"\d+(\.\d+)?", value) and ours is not None:
            assert ours == pytest.approx(float(value)), name
            compared += 1
    assert compared > 200
    assert page.value("mysql_global_status_commands_total", command="insert") == float(before["com_insert"])
    assert page.value("mysql_global_status_buffer_pool_pages", state="data") == pytest.approx(
        float(after["innodb_buffer_pool_pages_data"]), rel=0.05
    )


def test_variables_are_the_servers_and_not_those_of_our_session(watch: Watch, mariadb: MariaDB) -> None:
    page = watch.scrape()
    page = watch.scrape()
    compared = 0
    words = {"ON": 1, "YES": 1, "OFF": 0, "NO": 0, "DISABLED": 0}
    for name, value in mariadb.execute("SHOW GLOBAL VARIABLES"):
        ours = page.value(f"mysql_global_variables_{name.lower()}")
        if ours is not None and name != "timestamp":
            assert ours == pytest.approx(words[value.upper()] if value.upper() in words else float(value)), name
            compared += 1
    assert compared > 450
    assert page.value("mysql_global_variables_max_statement_time") == 0
    assert page.value("mysql_global_variables_lock_wait_timeout") == 86400
    ((version, comment),) = mariadb.execute("SELECT @@version, @@version_comment")
    assert page.all("mysql_version_info")[0][0] == {"innodb_version": "", "version": version, "version_comment": comment}
    assert page.value("mysql_transaction_isolation", level="REPEATABLE-READ") == 1


def test_open_and_waiting_transactions_are_counted(watch: Watch, mariadb: MariaDB, shop: str) -> None:
    page = watch.scrape()
    assert page.value("tocsin_mysql_transactions") == 0
    assert page.value("tocsin_mysql_oldest_transaction_seconds") == 0
    with mariadb.session(autocommit=False) as holder, mariadb.session(autocommit=False) as waiter:
        holder.execute("UPDATE shop.orders SET email = 'x' WHERE id = 1")
        thread = threading.Thread(target=lambda: waiter.execute("UPDATE shop.orders SET email = 'y' WHERE id = 1"))
        thread.start()
        # InnoDB renews what these tables show only when nobody has looked for a tenth of a second.
        assert eventually(lambda: time.sleep(0.2) or watch.scrape().value("tocsin_mysql_transactions_waiting") == 1)
        time.sleep(1.1)
        page = watch.scrape()
        assert page.value("tocsin_mysql_transactions") == 2
        assert 1 <= (page.value("tocsin_mysql_oldest_transaction_seconds") or 0) <= 15
        holder.execute("ROLLBACK")
        thread.join(10)
        waiter.execute("ROLLBACK")


def test_process_list_shows_others_and_not_us(watch: Watch, mariadb: MariaDB) -> None:
    with mariadb.session() as cursor:
        cursor.execute("SELECT 1")
        page = watch.scrape()
        assert page.value("mysql_info_schema_processlist_threads", command="sleep", state="unknown") == 1
        assert page.value("mysql_info_schema_processlist_processes_by_user", mysql_user="root") == 1
        assert page.value("mysql_info_schema_processlist_processes_by_host", client_host="localhost") == 1
        assert page.all("mysql_info_schema_processlist_processes_by_user", mysql_user="exporter") == []


def test_state_of_a_process_is_made_a_short_word(watch: Watch, mariadb: MariaDB) -> None:
    with mariadb.session() as cursor:
        thread = threading.Thread(target=lambda: cursor.execute("SELECT SLEEP(2)"))
        thread.start()
        assert eventually(lambda: watch.scrape().all("mysql_info_schema_processlist_threads", command="query", state="user_sleep") != [])
        thread.join(10)


def test_tables_and_their_indexes_are_counted(watch_all: Watch, mariadb: MariaDB, shop: str) -> None:
    page = watch_all.scrape()
    where = {"schema": "shop", "table": "orders"}
    ((rows, data, index, free),) = mariadb.execute(
        "SELECT table_rows, data_length, index_length, data_free FROM information_schema.tables WHERE table_name = 'orders'"
    )
    assert page.value("mysql_info_schema_table_rows", **where) == rows
    assert [page.value("mysql_info_schema_table_size", component=f"{c}_length", **where) for c in ("data", "index")] == [data, index]
    assert page.value("mysql_info_schema_table_size", component="data_free", **where) == free
    assert page.value("mysql_info_schema_auto_increment_column", column="id", **where) >= 501  # type: ignore[operator]
    assert page.value("mysql_info_schema_auto_increment_column_max", column="id", **where) == 2**32 - 1
    io, by_index = "mysql_perf_schema_table_io_waits", "mysql_perf_schema_index_io_waits_total"

    def one(series: str, **labels: str) -> float | None:
        return next((v for found, v in page.all(series, schema="shop", **labels) if found["name"] == "orders"), None)

    assert one(f"{io}_total", operation="insert") == 500
    assert one(by_index, operation="insert", index="NONE") == 500
    assert one(by_index, operation="insert", index="email") is None
    assert (one(by_index, operation="fetch", index="email") or 0) > 100
    assert page.value("mysql_info_schema_table_statistics_rows_changed_total", **where) == 500
    seconds = one(f"{io}_seconds_total", operation="insert")
    ((picoseconds,),) = mariadb.execute(
        "SELECT sum_timer_insert FROM performance_schema.table_io_waits_summary_by_table WHERE object_name = 'orders'"
    )
    assert seconds == pytest.approx(picoseconds / 1e12)


def test_statements_are_told_with_what_they_cost(watch_all: Watch, mariadb: MariaDB, shop: str) -> None:
    mariadb.execute("TRUNCATE performance_schema.events_statements_summary_by_digest")
    for _ in range(7):
        mariadb.execute("SELECT COUNT(*) FROM orders WHERE id + 0 > 3", database="shop")
    page = watch_all.scrape()
    seen = page.all("mysql_perf_schema_events_statements_total", schema="shop")
    found = [labels for labels, value in seen if value == 7 and "`orders`" in labels["digest_text"]]
    assert len(found) == 1
    assert len(found[0]["digest_text"]) <= 120
    assert page.value("mysql_perf_schema_events_statements_rows_examined_total", digest=found[0]["digest"]) == 7 * 500
    assert 0 < (page.value("mysql_perf_schema_events_statements_seconds_total", digest=found[0]["digest"]) or 0) < 5


def test_heartbeat_tells_who_wrote_when(watch_all: Watch, shop: str) -> None:
    page = watch_all.scrape()
    stored, now = (page.value(f"mysql_heartbeat_{name}_timestamp_seconds", server_id="9") or 0 for name in ("stored", "now"))
    assert 7 <= now - stored < 60
    assert now == pytest.approx(time.time(), abs=30)


def test_binary_logs_are_measured(watch_all: Watch, mariadb: MariaDB) -> None:
    mariadb.execute("FLUSH BINARY LOGS")
    page = watch_all.scrape()
    logs = mariadb.execute("SHOW BINARY LOGS")
    assert page.value("mysql_binlog_files") == len(logs)
    assert page.value("mysql_binlog_size_bytes") == sum(row[1] for row in logs)
    assert page.value("mysql_binlog_file_number") == int(logs[-1][0].rpartition(".")[2])


def test_accounts_and_their_privileges_are_told(watch_all: Watch, mariadb: MariaDB) -> None:
    mariadb.execute(
        "CREATE OR REPLACE USER careful@'10.%' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 3", "GRANT RELOAD ON *.* TO careful@'10.%'"
    )
    try:
        page = watch_all.scrape()
        who = {"mysql_user": "careful", "hostmask": "10.%"}
        assert page.value("mysql_mysql_max_user_connections", **who) == 3
        assert [page.value(f"mysql_mysql_{name}_priv", **who) for name in ("reload", "super")] == [1, 0]
    finally:
        mariadb.execute("DROP USER careful@'10.%'")


def test_query_response_times_are_a_histogram(watch: Watch, mariadb: MariaDB) -> None:
    mariadb.execute("INSTALL SONAME 'query_response_time'", "SET GLOBAL query_response_time_stats = 1")
    try:
        mariadb.execute("SELECT SLEEP(0.02)")
        page = watch.scrape()
        buckets = page.all("mysql_info_schema_query_response_time_seconds_bucket")
        assert page.types["mysql_info_schema_query_response_time_seconds"] == "histogram"
        counts = [value for _, value in buckets]
        assert counts == sorted(counts)
        assert counts[-1] == page.value("mysql_info_schema_query_response_time_seconds_count")
        assert page.value("mysql_info_schema_query_response_time_seconds_bucket", le="+Inf") == counts[-1]
        assert (page.value("mysql_info_schema_query_response_time_seconds_sum") or 0) >= 0.02
    finally:
        mariadb.execute("SET GLOBAL query_response_time_stats = 0", "UNINSTALL SONAME 'query_response_time'")
    assert watch.scrape().all("mysql_info_schema_query_response_time_seconds_bucket") == []


@pytest.mark.parametrize(
    ("row", "name", "labels"),
    [
        (("lock_deadlocks", "lock", "counter"), "lock_lock_deadlocks_total", ()),
        (("lock_row_lock_current_waits", "lock", "value"), "lock_lock_row_lock_current_waits", ()),
        (("buffer_pool_pages_data", "buffer", "value"), "buffer_pool_pages", ("data",)),
        (("buffer_pool_pages_dirty", "buffer", "value"), "buffer_pool_dirty_pages", ()),
        (("buffer_page_read_index_leaf", "buffer_page_io", "counter"), "buffer_page_read_total", ("index_leaf",)),
        (("buffer_page_written_blob", "buffer_page_io", "counter"), "buffer_page_written_total", ("blob",)),
    ],
)
def test_innodb_metrics_become_the_series_of_the_contract(row: tuple[str, str, str], name: str, labels: tuple[str, ...]) -> None:
    series = innodb_series(*row, negative=False)
    assert series is not None
    assert (series[0].name, series[1]) == (f"mysql_info_schema_innodb_metrics_{name}", labels)


def test_innodb_counter_below_zero_is_a_gauge() -> None:
    series = innodb_series("trx_undo_slots_used", "transaction", "counter", negative=True)
    assert series is not None
    assert (series[0].name, series[0].type) == ("mysql_info_schema_innodb_metrics_transaction_trx_undo_slots_used", "gauge")
    assert innodb_series("buffer_pool_pages_total", "buffer", "value", negative=False) is None


# Versions and flavours


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8.0.36", 80036), ("8.4.3-3", 80403), ("9.7.0", 90700), ("10.11.6-MariaDB-0+deb12u1-log", 101106),
        ("5.5.5-10.6.18-MariaDB", 100618), ("11.8.2-MariaDB", 110802),
    ],
)  # fmt: skip
def test_versions_become_numbers_that_tell_the_flavour(text: str, number: int) -> None:
    assert version_number(text) == number


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(SetupError, match="'postgres' is not understood"):
        version_number("postgres")


@pytest.mark.parametrize(
    ("name", "version", "sql"),
    [
        ("slave_status", 101106, "SHOW ALL SLAVES STATUS"), ("slave_status", 80022, "SHOW REPLICA STATUS"),
        ("slave_status", 80021, "SHOW SLAVE STATUS"), ("slave_status", 90700, "SHOW REPLICA STATUS"),
        ("slave_hosts", 80400, "SHOW REPLICAS"),
    ],
)  # fmt: skip
def test_replication_is_asked_in_the_words_of_the_version(name: str, version: int, sql: str) -> None:
    collector = SOURCE.collector(name)
    assert collector is not None
    assert isinstance(collector.collect, Ask)
    assert collector.collect.query.for_version(version) == sql


def test_a_server_older_than_8_is_not_supported() -> None:
    for collector in SOURCE.collectors:
        if isinstance(collector.collect, Ask):
            with pytest.raises(Unsupported):
                collector.collect.query.for_version(50744)


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("Replica_IO_Running", ("replica_io_running", "slave_io_running")),
        ("Seconds_Behind_Source", ("seconds_behind_source", "seconds_behind_master")),
        ("Source_SSL_Allowed", ("source_ssl_allowed", "master_ssl_allowed")),
        ("Replica_SQL_Running_State", ("replica_sql_running_state", "slave_sql_running_state")),
        ("Get_Source_public_key", ("get_source_public_key", "get_master_public_key")),
        ("Replicate_Do_DB", ("replicate_do_db",)),
        ("Slave_IO_Running", ("slave_io_running",)),
        ("Relay_Log_Space", ("relay_log_space",)),
    ],
)
def test_new_columns_of_replicas_are_served_under_their_old_names_too(column: str, names: tuple[str, ...]) -> None:
    assert replica_columns(column) == names


# The connection


def open_session(mariadb: MariaDB, seconds: float = 4.0) -> tuple[MysqlSession, Run]:
    session = MysqlSession(mysql_options(mariadb.dsn()))
    run = Run(SOURCE.collectors[0], time.monotonic() + seconds)
    session.begin([run])
    return session, run


@pytest.mark.parametrize(
    "statement", ["DELETE FROM mysql.time_zone", "CREATE TABLE shop.intruder (a int)", "INSERT INTO shop.orders (email) VALUES ('x')"]
)
def test_session_refuses_to_write_even_as_root(mariadb: MariaDB, shop: str, statement: str) -> None:
    session = MysqlSession(mysql_options(f"mysql://root@localhost/?socket={mariadb.socket}"))
    run = Run(SOURCE.collectors[0], time.monotonic() + 4)
    session.begin([run])
    try:
        with pytest.raises(SetupError, match="READ ONLY"):
            session.query(statement, run)
    finally:
        session.close()


def test_session_has_its_limits(mariadb: MariaDB) -> None:
    session, run = open_session(mariadb)
    try:
        ((statement, lock, mode),) = session.rows("SELECT @@max_statement_time, @@lock_wait_timeout, @@sql_mode", run)
    finally:
        session.close()
    assert 1.5 < float(statement or 0) <= 2  # of the four seconds to the deadline, half for each statement
    assert (lock, mode) == (b"1", b"")


def test_one_connection_serves_all_scrapes(watch: Watch, mariadb: MariaDB) -> None:
    watch.scrape()
    before = mariadb.ours()
    for _ in range(5):
        watch.scrape()
    assert mariadb.ours() == before
    assert len(before) == 1


def test_many_scrapes_at_once_share_one_connection(watch: Watch, mariadb: MariaDB) -> None:
    pages: list[Page] = []
    threads = [threading.Thread(target=lambda: pages.append(watch.scrape())) for _ in range(20)]
    for thread in threads:
        thread.start()
    most = max(len(mariadb.ours()) for _ in range(20))
    for thread in threads:
        thread.join(20)
    assert len(pages) == 20
    assert all(page.value("mysql_up") == 1 and len(page.all("mysql_global_status_commands_total")) > 100 for page in pages)
    assert most <= 1


def test_series_limit_keeps_the_rest_counted(mariadb: MariaDB, tmp_path: Path, shop: str) -> None:
    with Watch(mysql_options(mariadb.dsn(), series_limit=20, collectors={"perf_schema.file_events": True}), tmp_path / "state") as watch:
        page = watch.scrape()
        assert page.value("tocsin_collector_series", collector="mysql.perf_schema.file_events") == 20
        assert (page.value("tocsin_collector_dropped_series_total", collector="mysql.perf_schema.file_events") or 0) > 20


def test_a_query_of_ones_own_is_asked(mariadb: MariaDB, tmp_path: Path, shop: str) -> None:
    own = OwnQuery(
        name="orders", sql="SELECT LEFT(email, 2) AS start, COUNT(*) AS n FROM shop.orders GROUP BY 1", labels=("start",),
        metrics={"n": OwnMetric(name="shop_orders", help="Orders.")}, timeout=Duration(5),
    )  # fmt: skip
    broken = OwnQuery(
        name="broken", sql="SELECT nonsense AS n FROM shop.orders", metrics={"n": OwnMetric(name="shop_broken", help="None.")}
    )
    with Watch(mysql_options(mariadb.dsn(), queries=(own, broken)), tmp_path / "state") as watch:
        page = watch.scrape()
        assert page.value("shop_orders", start="e1") == 111
        assert page.value("tocsin_collector_failing", collector="mysql.broken", reason="config") == 1
        assert page.value("mysql_up") == 1


# Ways to say where the server is

PASSWORD = "p@ss'w\"o\\rd %/:?#é"


def ways(form: str, mariadb: MariaDB, folder: Path) -> MysqlOptions:
    host = f"127.0.0.1:{mariadb.port}"
    url = f"mysql://guarded:p%40ss%27w%22o%5Crd%20%25%2F%3A%3F%23%C3%A9@{host}/"
    password_file, dsn_file, my_cnf = folder / "password", folder / "dsn", folder / "my.cnf"
    password_file.write_text(PASSWORD + "\n")
    escaped = PASSWORD.replace("\\", "\\\\")
    my_cnf.write_text(
        f"[mysqld]\nport=1\n[client]\n# of the shop\nuser = guarded\npassword='{escaped}'\n"
        f"host=127.0.0.1\nport={mariadb.port}\n[other]\nport=2\n"
    )
    match form:
        case "url":
            return mysql_options(url)
        case "url in a file":
            dsn_file.write_text(url + "\n")
            return MysqlOptions(name="my", kind="mysql", dsn_file=dsn_file)
        case "url and password file":
            return mysql_options(f"mysql://guarded@{host}", password_file=password_file)
        case "socket":
            return mysql_options(f"mysql://guarded@localhost/?socket={mariadb.socket}", password_file=password_file)
        case "option file and url":
            return mysql_options(f"mysql://{host}/", my_cnf=my_cnf)
        case _:
            return MysqlOptions(name="my", kind="mysql", my_cnf=my_cnf)


@pytest.mark.parametrize("form", ["url", "url in a file", "url and password file", "socket", "option file", "option file and url"])
def test_every_way_to_give_address_and_password_connects(mariadb: MariaDB, tmp_path: Path, form: str) -> None:
    mariadb.exporter_account(PASSWORD, user="guarded")
    try:
        with Watch(ways(form, mariadb, tmp_path), tmp_path / "state") as watch:
            page = watch.scrape()
            assert page.value("mysql_up") == 1, watch.target.error
        assert PASSWORD not in page.text
        assert "p%40ss" not in page.text
    finally:
        mariadb.execute("DROP USER guarded")


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("mysql://u:geheim@db:3306/", "db:3306"), ("mysql://u:geh%40eim@db/", "db"), ("mysql://u:gehe@im@db:3306/", "db:3306"),
        ("mysql://u:ge/heim@db:3306/", "db:3306"), ("mysql://u:geheim@/?socket=/run/mysqld/mysqld.sock", "/run/mysqld/mysqld.sock"),
        ("mysql://u:geheim@db:3306/?socket=x", "db:3306"), ("geheim", ""), ("u:geheim@tcp(db:3306)/", ""), ("", ""),
    ],
)  # fmt: skip
def test_address_never_holds_the_password(dsn: str, address: str) -> None:
    options = MysqlOptions(name="my", kind="mysql", dsn=Secret(dsn))
    assert options.address == address
    assert "geh" not in repr(options)


@pytest.mark.parametrize(
    "dsn",
    ["", "geheim", "postgresql://u:geheim@db/", "mysql://u:gehe@im@db/", "mysql://u:geheim@db:port/", "mysql://u:geheim@db/?tls=geheim"],
)
def test_a_dsn_that_is_none_is_named_and_not_quoted(dsn: str) -> None:
    with pytest.raises(SetupError) as refused:
        MysqlOptions(name="my", kind="mysql", dsn=Secret(dsn)).server()
    assert "target my" in str(refused.value)
    assert "geh" not in str(refused.value)


def test_option_file_is_read_as_the_clients_read_it(tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(
        "[client]\nuser=a\npassword = \"x # y\" # a comment\nssl_ca=/etc/ca.pem   # a comment\n; another\nhost='h'\nskip-ssl\n"
        "socket=\n!include /etc/x\n[mysql]\nuser=b\n[client]\nport = 33\nbind=a\\tb\\s\\\\c\n"
    )
    assert read_option_file(file) == {
        "user": "a", "password": "x # y", "ssl-ca": "/etc/ca.pem", "host": "h", "skip-ssl": "", "socket": "", "port": "33",
        "bind": "a\tb \\c",
    }  # fmt: skip
    with pytest.raises(SetupError, match=r"cannot read the secret file .*absent"):
        read_option_file(tmp_path / "absent")


def test_tls_is_used_where_it_must_and_a_stranger_is_refused(mariadb: MariaDB, tmp_path: Path) -> None:
    with Watch(mysql_options(mariadb.dsn(), ssl_mode="required"), tmp_path / "a") as watch:
        # This MariaDB has no certificate of its own.
        assert watch.scrape(3).value("tocsin_target_failing", reason="connect") == 1
        assert "SSL is required" in str(watch.target.error)
    with Watch(mysql_options(mariadb.dsn(), ssl_ca=tmp_path / "absent.pem"), tmp_path / "b") as watch:
        assert watch.scrape(3).value("tocsin_target_failing", reason="config") == 1


def test_nobody_listens_on_a_free_port_is_told_within_the_deadline(tmp_path: Path) -> None:
    with Watch(mysql_options(f"mysql://x@127.0.0.1:{free_port()}/"), tmp_path / "state") as watch:
        page = watch.scrape(2)
        assert page.value("tocsin_target_failing", reason="connect") == 1
        assert page.value("mysql_up") == 0


def test_every_error_number_of_the_driver_has_a_meaning() -> None:
    from pymysql.constants import CR

    from tocsin.sources.mysql.session import _REASONS

    assert {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR} <= _REASONS.keys()
    assert pymysql.VERSION >= (1, 1, 0)


def test_declared_names_are_literal_and_once() -> None:
    names = [metric.name for collector in SOURCE.collectors for metric in collector.metrics if isinstance(metric, Metric)]
    assert len(names) == len(set(names))


def test_more_options_are_passed(mariadb: MariaDB, tmp_path: Path) -> None:
    more: dict[str, Any] = {"heartbeat_table": "absent.heartbeat", "collectors": {"heartbeat": True}}
    with Watch(mysql_options(mariadb.dsn(), **more), tmp_path / "state") as watch:
        assert watch.scrape().value("tocsin_collector_failing", collector="mysql.heartbeat", reason="config") == 1
        assert "absent.heartbeat" in str(watch.record("heartbeat").error)
