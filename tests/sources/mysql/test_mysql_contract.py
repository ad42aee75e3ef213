"""The series of a MariaDB, as the contract has them: names, types and labels."""

from __future__ import annotations

import re

import pytest

from mariadb import MysqlServer
from tocsin import catalog
from tocsin.metric import Metric
from tocsin.sources.mysql import SOURCE
from watching import Page, Watch

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


def served(page: Page) -> dict[str, tuple[str, set[tuple[str, ...]]]]:
    """Return type and the label names seen, by name, of what is the server's own on a page, the dynamic names left out."""
    found: dict[str, tuple[str, set[tuple[str, ...]]]] = {}
    for name, labels, _ in page.samples:
        if name.startswith("mysql_") and (labels or not FAMILIES.match(name) or name in DEFAULT or name in OPTIONAL):
            found.setdefault(name, (page.types[name], set()))[1].add(tuple(sorted(labels)))
    return found


def expected(contract: Contract) -> dict[str, tuple[str, set[tuple[str, ...]]]]:
    return {name: (type_, {tuple(sorted(labels))}) for name, (type_, labels) in contract.items()}


@pytest.mark.parametrize("each_mysql", ["mariadb"], indirect=True)
def test_every_default_series_has_the_name_type_and_labels_of_the_contract(watch: Watch, server: MysqlServer) -> None:
    with server.session():  # somebody whom the process list shows
        assert served(watch.scrape()) == expected(DEFAULT)


@pytest.mark.parametrize("each_mysql", ["mariadb"], indirect=True)
def test_every_optional_series_has_the_name_type_and_labels_of_the_contract(watch_all: Watch, server: MysqlServer, shop: str) -> None:
    with server.session():
        assert served(watch_all.scrape()) == expected(DEFAULT | OPTIONAL)


def test_every_collector_has_run_and_none_has_failed(watch_all: Watch, shop: str) -> None:
    watch_all.check()
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


def test_declared_names_are_literal_and_once() -> None:
    names = [metric.name for collector in SOURCE.collectors for metric in collector.metrics if isinstance(metric, Metric)]
    assert len(names) == len(set(names))
