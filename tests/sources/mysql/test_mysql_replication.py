"""Replication of a real MariaDB pair: threads, lag, positions, a broken replica, several sources."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mariadb import MariaDB, mysql_options
from servers import free_port
from tocsin.source import Run
from tocsin.sources.mysql import SOURCE, show
from tocsin.sql import Result
from watching import Page, Watch, eventually, said

EAST = {"connection_name": "east"}


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path_factory.mktemp("primary"))
    server.start(log_bin="bin", server_id=1, gtid_domain_id=7)
    server.exporter_account()
    server.execute(
        "CREATE USER follower IDENTIFIED BY 'f'", "GRANT REPLICATION SLAVE ON *.* TO follower",
        "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY, total INT)",
    )  # fmt: skip
    yield server
    server.stop()


@pytest.fixture(scope="module")
def replica(primary: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path_factory.mktemp("replica"))
    server.start(log_bin="bin", server_id=2, report_host="replica.example", log_warnings=0)
    follow(server, "east", primary.port)
    server.execute("START SLAVE 'east'")
    yield server
    server.stop()


def follow(server: MariaDB, name: str, port: int) -> None:
    server.execute(
        f"CHANGE MASTER '{name}' TO master_host='127.0.0.1', master_port={port}, master_user='follower', master_password='f',"
        " master_use_gtid=slave_pos, master_connect_retry=1"
    )


@pytest.fixture
def watch(replica: MariaDB, tmp_path: Path) -> Iterator[Watch]:
    # The account was replicated from the primary.
    assert eventually(lambda: replica.execute("SELECT user FROM mysql.user WHERE user = 'exporter'") != [], 15)
    with Watch(mysql_options(replica.dsn()), tmp_path / "state") as found:
        yield found


def running(page: Page, **labels: str) -> tuple[float | None, float | None]:
    return page.value("mysql_slave_status_slave_io_running", **labels), page.value("mysql_slave_status_slave_sql_running", **labels)


def caught_up(primary: MariaDB, replica: MariaDB) -> bool:
    return primary.execute("SELECT @@gtid_binlog_pos") == replica.execute("SELECT @@gtid_slave_pos")


def test_running_replica_is_told_with_its_source_and_no_lag(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    assert eventually(lambda: caught_up(primary, replica), 15)
    page = watch.scrape()
    assert running(page, **EAST) == (1, 1)
    assert page.value("mysql_slave_status_seconds_behind_master", **EAST) == 0
    ((labels, _),) = page.all("mysql_slave_status_slave_io_running")
    assert labels == {"master_host": "127.0.0.1", "master_uuid": "", "channel_name": "", "connection_name": "east"}
    assert page.types["mysql_slave_status_seconds_behind_master"] == "untyped"
    assert page.value("mysql_slave_status_master_port") == primary.port
    assert page.value("mysql_slave_status_master_server_id") == 1


def test_positions_are_told_by_domain(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    primary.execute("REPLACE INTO shop.orders VALUES (1, 1)")
    assert eventually(lambda: caught_up(primary, replica), 15)
    ((position,),) = primary.execute("SELECT @@gtid_binlog_pos")
    page = watch.scrape()
    domain, server, sequence = position.split("-")
    for name in ("io", "slave"):
        assert page.value(f"mysql_slave_status_gtid_{name}_pos", domain_id=domain, server_id=server, **EAST) == int(sequence)
        assert page.types[f"mysql_slave_status_gtid_{name}_pos"] == "gauge"
    assert domain == "7"


def test_replica_that_is_behind_tells_by_how_much(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    replica.execute("STOP SLAVE 'east'", "CHANGE MASTER 'east' TO master_delay=4", "START SLAVE 'east'")
    try:
        primary.execute("REPLACE INTO shop.orders VALUES (2, 1)")
        assert eventually(lambda: (watch.scrape().value("mysql_slave_status_seconds_behind_master", **EAST) or 0) >= 1, 10)
        page = watch.scrape()
        assert running(page, **EAST) == (1, 1)
        assert page.value("mysql_slave_status_sql_delay", **EAST) == 4
        assert eventually(lambda: watch.scrape().value("mysql_slave_status_seconds_behind_master", **EAST) == 0, 15)
    finally:
        replica.execute("STOP SLAVE 'east'", "CHANGE MASTER 'east' TO master_delay=0", "START SLAVE 'east'")


def test_idle_pair_has_no_lag(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    assert eventually(lambda: caught_up(primary, replica), 15)
    began = time.monotonic()
    while time.monotonic() < began + 3:
        page = watch.scrape()
        assert page.value("mysql_slave_status_seconds_behind_master", **EAST) == 0
        time.sleep(0.2)


def test_replica_under_load_lags_until_it_has_caught_up(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    replica.execute("STOP SLAVE 'east' SQL_THREAD")
    with primary.session(database="shop") as cursor:
        for number in range(200):
            cursor.execute("REPLACE INTO orders VALUES (%s, %s)", (1000 + number, number))
    time.sleep(2)  # the seconds that the replica will find itself behind
    # A lock makes sure that it is seen on its way.
    with replica.session(autocommit=False) as blocker:
        blocker.execute("INSERT INTO shop.orders VALUES (1150, 0)")
        replica.execute("START SLAVE 'east' SQL_THREAD")
        assert eventually(lambda: (watch.scrape().value("mysql_slave_status_seconds_behind_master", **EAST) or 0) >= 2, 15)
        page = watch.scrape()
        assert running(page, **EAST) == (1, 1)
        positions = {name: page.all(f"mysql_slave_status_gtid_{name}_pos", domain_id="7", **EAST) for name in ("io", "slave")}
        assert positions["io"][0][1] > positions["slave"][0][1]
        blocker.execute("ROLLBACK")
    assert eventually(lambda: watch.scrape().value("mysql_slave_status_seconds_behind_master", **EAST) == 0, 20)
    assert eventually(lambda: caught_up(primary, replica), 15)


def test_stopped_replica_has_no_lag_to_tell(watch: Watch, replica: MariaDB) -> None:
    replica.execute("STOP SLAVE 'east'")
    try:
        page = watch.scrape()
        assert running(page, **EAST) == (0, 0)
        assert page.value("mysql_slave_status_seconds_behind_master", **EAST) is None
        assert page.value("mysql_up") == 1
    finally:
        replica.execute("START SLAVE 'east'")


def test_replica_that_breaks_says_with_which_error(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    assert eventually(lambda: caught_up(primary, replica), 15)
    replica.execute("SET sql_log_bin = 0", "INSERT INTO shop.orders VALUES (99, 0)")
    try:
        primary.execute("INSERT INTO shop.orders VALUES (99, 1)")
        assert eventually(lambda: running(watch.scrape(), **EAST) == (1, 0), 10)
        page = watch.scrape()
        assert page.value("mysql_slave_status_last_sql_errno", **EAST) == 1062
        assert page.value("mysql_slave_status_seconds_behind_master", **EAST) is None
    finally:
        replica.execute("SET sql_log_bin = 0", "DELETE FROM shop.orders WHERE id = 99", "START SLAVE 'east'")
    assert eventually(lambda: running(watch.scrape(), **EAST) == (1, 1), 10)
    assert eventually(lambda: caught_up(primary, replica), 15)


def test_schema_change_of_the_primary_is_told_by_the_replica(primary: MariaDB, replica: MariaDB, tmp_path: Path) -> None:
    """What the replica's own thread applies is counted like what clients send."""
    with Watch(mysql_options(replica.dsn()), tmp_path / "schema") as watch:
        watch.check()
        primary.execute("ALTER TABLE shop.orders ADD COLUMN applied INT")
        assert eventually(lambda: said(watch.check()) == ["column orders.applied added safe"], 15)
        primary.execute("ALTER TABLE shop.orders DROP COLUMN applied")
        assert eventually(lambda: said(watch.check()) == ["column orders.applied dropped destructive"], 15)


def test_every_connection_of_a_replica_is_told(watch: Watch, replica: MariaDB) -> None:
    follow(replica, "west", free_port())
    replica.execute("START SLAVE 'west'")
    try:
        page = watch.scrape()
        assert running(page, **EAST) == (1, 1)
        assert running(page, connection_name="west") == (0, 1)  # connecting, for ever
    finally:
        replica.execute("STOP SLAVE 'west'", "RESET SLAVE 'west' ALL")
    assert eventually(lambda: watch.scrape().all("mysql_slave_status_slave_io_running", connection_name="west") == [])


def test_primary_that_vanishes_leaves_the_receiving_thread_connecting(watch: Watch, primary: MariaDB, replica: MariaDB) -> None:
    primary.stop()
    try:
        assert eventually(lambda: running(watch.scrape(), **EAST) == (0, 1), 15)
    finally:
        primary.start(log_bin="bin", server_id=1, gtid_domain_id=7)
    assert eventually(lambda: running(watch.scrape(), **EAST) == (1, 1), 20)


def test_primary_is_no_replica_and_knows_its_own(primary: MariaDB, replica: MariaDB, tmp_path: Path) -> None:
    assert eventually(lambda: primary.execute("SHOW SLAVE HOSTS") != [], 20)
    with Watch(mysql_options(primary.dsn(), collectors={"slave_hosts": True}), tmp_path / "state") as watch:
        page = watch.scrape()
        assert [name for name in page.names() if name.startswith("mysql_slave_status")] == []
        ((labels, value),) = page.all("mysql_heartbeat_mysql_slave_hosts_info")
        assert value == 1
        assert labels == {
            "server_id": "2", "slave_host": "replica.example", "port": str(replica.port), "master_id": "1", "slave_uuid": "",
        }  # fmt: skip


def test_status_of_a_new_mysql_is_served_in_old_words_too() -> None:
    collector = SOURCE.collector("slave_status")
    assert collector is not None
    run = Run(collector, time.monotonic() + 5)
    columns = (
        "Replica_IO_State", "Source_Host", "Source_Port", "Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source",
        "Source_UUID", "Channel_Name", "Executed_Gtid_Set", "Source_Log_File",
    )  # fmt: skip
    row = (
        b"Waiting for source to send event", b"db1", b"3306", b"Connecting", b"Yes", b"12",
        b"3e11fa47-71ca-11e1-9e33-c80aa9429562", b"east", b"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", b"binlog.000047",
    )  # fmt: skip
    show.emit_replica(None, run, Result(columns, [row]))  # type: ignore[arg-type]
    labels = ("db1", "3e11fa47-71ca-11e1-9e33-c80aa9429562", "east", "")
    assert {metric.name.removeprefix("mysql_slave_status_"): samples for metric, samples in run.points.items()} == {
        "source_port": {labels: b"3306"}, "master_port": {labels: b"3306"},
        "replica_io_running": {labels: 0}, "slave_io_running": {labels: 0},
        "replica_sql_running": {labels: 1}, "slave_sql_running": {labels: 1},
        "seconds_behind_source": {labels: b"12"}, "seconds_behind_master": {labels: b"12"},
    }  # fmt: skip
