"""The values that are served are the server's."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

from mariadb import MariaDB, MysqlServer, mysql_options
from tocsin.sources.mysql.queries import innodb_series
from tocsin.sources.mysql.show import status_series, value_of
from watching import Watch, eventually


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


def test_status_is_the_servers(watch: Watch, server: MysqlServer) -> None:
    before = {name.lower(): value for name, value in server.execute("SHOW GLOBAL STATUS")}
    page = watch.scrape()
    after = {name.lower(): value for name, value in server.execute("SHOW GLOBAL STATUS")}
    compared = 0
    for name, value in before.items():
        ours = page.value(f"mysql_global_status_{name}")
        stands = value == after[name] and not re.search("^ssl_|pending", name)  # of the connection, of the moment
        if stands and re.fullmatch(r"\d+(\.\d+)?", value) and ours is not None:
            assert ours == pytest.approx(float(value)), name
            compared += 1
    assert compared > 100
    assert page.value("mysql_global_status_commands_total", command="insert") == float(before["com_insert"])
    assert page.value("mysql_global_status_buffer_pool_pages", state="data") == pytest.approx(
        float(after["innodb_buffer_pool_pages_data"]), rel=0.05
    )


def test_variables_are_the_servers_and_not_those_of_our_session(watch: Watch, server: MysqlServer) -> None:
    watch.scrape()
    page = watch.scrape()
    compared = 0
    words = {"ON": 1, "YES": 1, "OFF": 0, "NO": 0, "DISABLED": 0}
    for name, value in server.execute("SHOW GLOBAL VARIABLES"):
        ours = page.value(f"mysql_global_variables_{name.lower()}")
        if ours is not None and name != "timestamp":
            assert ours == pytest.approx(words[value.upper()] if value.upper() in words else float(value)), name
            compared += 1
    assert compared > 380
    ((patience,),) = server.execute("SELECT @@GLOBAL.lock_wait_timeout")
    assert page.value("mysql_global_variables_lock_wait_timeout") == patience > 1
    ((version, comment),) = server.execute("SELECT @@version, @@version_comment")
    ((labels, _),) = page.all("mysql_version_info")
    assert (labels["version"], labels["version_comment"]) == (version, comment)
    assert page.value("mysql_transaction_isolation", level="REPEATABLE-READ") == 1


def test_open_and_waiting_transactions_are_counted(watch: Watch, server: MysqlServer, shop: str) -> None:
    page = watch.scrape()
    assert page.value("tocsin_mysql_transactions") == 0
    assert page.value("tocsin_mysql_oldest_transaction_seconds") == 0
    with server.session(autocommit=False) as holder, server.session(autocommit=False) as waiter:
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


def test_process_list_shows_others_and_not_us(watch: Watch, server: MysqlServer) -> None:
    with server.session() as cursor:
        cursor.execute("SELECT 1")
        page = watch.scrape()
        assert page.value("mysql_info_schema_processlist_threads", command="sleep", state="unknown") == 1
        assert page.value("mysql_info_schema_processlist_processes_by_user", mysql_user="root") == 1
        events = server.execute("SELECT @@event_scheduler") == [("ON",)]  # it counts as somebody
        assert page.value("mysql_info_schema_processlist_processes_by_host", client_host="localhost") == 1 + events
        assert page.all("mysql_info_schema_processlist_processes_by_user", mysql_user="exporter") == []


def test_state_of_a_process_is_made_a_short_word(watch: Watch, server: MysqlServer) -> None:
    with server.session() as cursor:
        thread = threading.Thread(target=lambda: cursor.execute("SELECT SLEEP(2)"))
        thread.start()
        assert eventually(lambda: watch.scrape().all("mysql_info_schema_processlist_threads", command="query", state="user_sleep") != [])
        thread.join(10)


def test_tables_and_their_indexes_are_counted(watch_all: Watch, server: MysqlServer, shop: str) -> None:
    page = watch_all.scrape()
    where = {"schema": "shop", "table": "orders"}
    ((rows, data, index, free),) = server.execute(
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
    if isinstance(server, MariaDB):  # with userstat
        assert page.value("mysql_info_schema_table_statistics_rows_changed_total", **where) == 500
    seconds = one(f"{io}_seconds_total", operation="insert")
    ((picoseconds,),) = server.execute(
        "SELECT sum_timer_insert FROM performance_schema.table_io_waits_summary_by_table WHERE object_name = 'orders'"
    )
    assert seconds == pytest.approx(picoseconds / 1e12)


def test_next_number_of_a_column_is_not_yesterdays(watch_all: Watch, server: MysqlServer, shop: str) -> None:
    """MySQL keeps what somebody asked information_schema for a day."""
    name = "mysql_info_schema_auto_increment_column"
    server.execute("SELECT auto_increment, table_rows FROM information_schema.tables WHERE table_schema = 'shop'")
    before = watch_all.scrape().value(name, schema="shop", table="orders")
    server.execute("INSERT INTO shop.orders (id) VALUES (70000)")
    assert (before or 0) < 70000
    assert watch_all.scrape().value(name, schema="shop", table="orders") == 70001


def test_size_of_each_database_is_that_of_its_files(server: MysqlServer, tmp_path: Path, shop: str) -> None:
    server.execute("CREATE DATABASE `my-shop é`", "CREATE TABLE `my-shop é`.`a.b` (id INT PRIMARY KEY)")
    server.exporter_account(grants="PROCESS", user="humble")
    try:
        with Watch(mysql_options(server.dsn(user="humble")), tmp_path / "humble") as watch:
            sizes = {labels["schema"]: value for labels, value in watch.scrape().all("tocsin_mysql_database_size_bytes")}
        for name, folder in (("shop", "shop"), ("my-shop é", "my@002dshop@0020@0p")):
            files = sum(file.stat().st_blocks * 512 for file in (server.data / folder).glob("*.ibd"))
            assert sizes[name] == pytest.approx(files, rel=0.5), sizes
    finally:
        server.execute("DROP DATABASE `my-shop é`", "DROP USER humble@'%'")


def test_heartbeat_tells_who_wrote_when(watch_all: Watch, shop: str) -> None:
    page = watch_all.scrape()
    stored, now = (page.value(f"mysql_heartbeat_{name}_timestamp_seconds", server_id="9") or 0 for name in ("stored", "now"))
    assert 7 <= now - stored < 60
    assert now == pytest.approx(time.time(), abs=30)


def test_binary_logs_are_measured(watch_all: Watch, server: MysqlServer) -> None:
    server.execute("FLUSH BINARY LOGS")
    page = watch_all.scrape()
    logs = server.execute("SHOW BINARY LOGS")
    assert page.value("mysql_binlog_files") == len(logs)
    assert page.value("mysql_binlog_size_bytes") == sum(row[1] for row in logs)
    assert page.value("mysql_binlog_file_number") == int(logs[-1][0].rpartition(".")[2])


def test_accounts_and_their_privileges_are_told(watch_all: Watch, server: MysqlServer) -> None:
    server.execute("CREATE USER careful@'10.%' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 3", "GRANT RELOAD ON *.* TO careful@'10.%'")
    try:
        page = watch_all.scrape()
        who = {"mysql_user": "careful", "hostmask": "10.%"}
        assert page.value("mysql_mysql_max_user_connections", **who) == 3
        assert [page.value(f"mysql_mysql_{name}_priv", **who) for name in ("reload", "super")] == [1, 0]
    finally:
        server.execute("DROP USER careful@'10.%'")


@pytest.mark.parametrize("each_mysql", ["mariadb"], indirect=True)
def test_query_response_times_are_a_histogram(watch: Watch, server: MysqlServer) -> None:
    server.execute("INSTALL SONAME 'query_response_time'", "SET GLOBAL query_response_time_stats = 1")
    try:
        server.execute("SELECT SLEEP(0.02)")
        page = watch.scrape()
        buckets = page.all("mysql_info_schema_query_response_time_seconds_bucket")
        assert page.types["mysql_info_schema_query_response_time_seconds"] == "histogram"
        counts = [value for _, value in buckets]
        assert counts == sorted(counts)
        assert counts[-1] == page.value("mysql_info_schema_query_response_time_seconds_count")
        assert page.value("mysql_info_schema_query_response_time_seconds_bucket", le="+Inf") == counts[-1]
        assert (page.value("mysql_info_schema_query_response_time_seconds_sum") or 0) >= 0.02
    finally:
        server.execute("SET GLOBAL query_response_time_stats = 0", "UNINSTALL SONAME 'query_response_time'")
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
