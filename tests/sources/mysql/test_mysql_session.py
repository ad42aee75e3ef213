"""The connection: versions, limits, one for all scrapes, and what a query of one's own may do."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pymysql
import pytest

from mariadb import MariaDB, MysqlServer, mysql_options
from servers import free_port
from tocsin.errors import SetupError, Unsupported
from tocsin.options import Duration
from tocsin.source import Run
from tocsin.sources.mysql import SOURCE
from tocsin.sources.mysql.session import MysqlSession, version_number
from tocsin.sources.mysql.show import replica_columns
from tocsin.sql import Ask, OwnMetric, OwnQuery, SqlByVersion
from watching import Page, Watch


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


def open_session(server: MysqlServer, seconds: float = 4.0) -> tuple[MysqlSession, Run]:
    session = MysqlSession(mysql_options(server.dsn()))
    run = Run(SOURCE.collectors[0], time.monotonic() + seconds)
    session.begin([run])
    return session, run


@pytest.mark.parametrize(
    "statement", ["DELETE FROM mysql.time_zone", "CREATE TABLE shop.intruder (a int)", "INSERT INTO shop.orders (email) VALUES ('x')"]
)
def test_session_refuses_to_write_even_as_root(server: MysqlServer, shop: str, statement: str) -> None:
    session = MysqlSession(mysql_options(f"mysql://root@localhost/?socket={server.socket}"))
    run = Run(SOURCE.collectors[0], time.monotonic() + 4)
    session.begin([run])
    try:
        with pytest.raises(SetupError, match="READ ONLY"):
            session.query(statement, run)
    finally:
        session.close()


def test_session_has_its_limits(server: MysqlServer) -> None:
    session, run = open_session(server)
    try:
        seconds = "@@max_statement_time" if isinstance(server, MariaDB) else "@@max_execution_time / 1000"
        ((statement, lock, mode),) = session.rows(f"SELECT {seconds}, @@lock_wait_timeout, @@sql_mode", run)
    finally:
        session.close()
    assert 1.5 < float(statement or 0) <= 2  # of the four seconds to the deadline, half for each statement
    assert (lock, mode) == (b"1", b"")


def test_one_connection_serves_all_scrapes(watch: Watch, server: MysqlServer) -> None:
    watch.scrape()
    before = server.ours()
    for _ in range(5):
        watch.scrape()
    assert server.ours() == before
    assert len(before) == 1


def test_many_scrapes_at_once_share_one_connection(watch: Watch, server: MysqlServer) -> None:
    pages: list[Page] = []
    threads = [threading.Thread(target=lambda: pages.append(watch.scrape())) for _ in range(20)]
    for thread in threads:
        thread.start()
    most = max(len(server.ours()) for _ in range(20))
    for thread in threads:
        thread.join(20)
    assert len(pages) == 20
    assert all(page.value("mysql_up") == 1 and len(page.all("mysql_global_status_commands_total")) > 100 for page in pages)
    assert most <= 1


def test_series_limit_keeps_the_rest_counted(server: MysqlServer, tmp_path: Path, shop: str) -> None:
    with Watch(mysql_options(server.dsn(), series_limit=20, collectors={"perf_schema.file_events": True}), tmp_path / "state") as watch:
        page = watch.scrape()
        assert page.value("tocsin_collector_series", collector="mysql.perf_schema.file_events") == 20
        assert (page.value("tocsin_collector_dropped_series_total", collector="mysql.perf_schema.file_events") or 0) > 20


def test_a_query_of_ones_own_is_asked(server: MysqlServer, tmp_path: Path, shop: str) -> None:
    own = OwnQuery(
        name="orders",
        sql=SqlByVersion({"": "SELECT LEFT(email, 2) AS start, COUNT(*) AS n FROM shop.orders GROUP BY 1"}),
        labels=("start",),
        metrics={"n": OwnMetric(name="shop_orders", help="Orders.")},
        timeout=Duration(5),
    )
    broken = OwnQuery(
        name="broken",
        sql=SqlByVersion({"": "SELECT nonsense AS n FROM shop.orders"}),
        metrics={"n": OwnMetric(name="shop_broken", help="None.")},
    )
    with Watch(mysql_options(server.dsn(), queries=(own, broken)), tmp_path / "state") as watch:
        page = watch.scrape()
        assert page.value("shop_orders", start="e1") == 111
        assert page.value("tocsin_collector_failing", collector="mysql.broken", reason="config") == 1
        assert page.value("mysql_up") == 1


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


def test_more_options_are_passed(server: MysqlServer, tmp_path: Path) -> None:
    more: dict[str, Any] = {"heartbeat_table": "absent.heartbeat", "collectors": {"heartbeat": True}}
    with Watch(mysql_options(server.dsn(), **more), tmp_path / "state") as watch:
        assert watch.scrape().value("tocsin_collector_failing", collector="mysql.heartbeat", reason="config") == 1
        assert "absent" in str(watch.record("heartbeat").error)
