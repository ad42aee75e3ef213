"""Replication of a real MySQL 9 pair, whose words for it are new: rules and dashboards that know the old ones still find them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mariadb import mysql_options
from newest import MySQL
from watching import Watch, eventually, said

pytestmark = pytest.mark.newest

GTID = {"gtid_mode": "ON", "enforce_gtid_consistency": "ON"}
# What published alerts and dashboards ask for, and what MySQL 8.4 and newer call it.
BOTH = {
    "slave_io_running": "replica_io_running", "slave_sql_running": "replica_sql_running", "seconds_behind_master": "seconds_behind_source",
    "master_server_id": "source_server_id", "read_master_log_pos": "read_source_log_pos", "exec_master_log_pos": "exec_source_log_pos",
    "master_port": "source_port", "master_ssl_allowed": "source_ssl_allowed",
}  # fmt: skip


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySQL]:
    server = MySQL(tmp_path_factory.mktemp("primary")).start(server_id=1, **GTID)
    server.exporter_account()
    server.execute(
        "CREATE USER follower IDENTIFIED BY 'f'", "GRANT REPLICATION SLAVE ON *.* TO follower",
        "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY, total INT)",
    )  # fmt: skip
    yield server
    server.stop()


@pytest.fixture(scope="module")
def replica(primary: MySQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySQL]:
    server = MySQL(tmp_path_factory.mktemp("replica")).start(server_id=2, report_host="replica.example", **GTID)
    server.execute(
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={primary.port}, SOURCE_USER='follower', SOURCE_PASSWORD='f',"
        " SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1 FOR CHANNEL 'east'",
        "START REPLICA FOR CHANNEL 'east'",
    )
    yield server
    server.stop()


@pytest.fixture
def watch(primary: MySQL, replica: MySQL, tmp_path: Path) -> Iterator[Watch]:
    assert eventually(lambda: caught_up(primary, replica), 20)
    workers = {"perf_schema.replication_applier_status_by_worker": True}
    with Watch(mysql_options(replica.dsn(), collectors=workers), tmp_path / "state") as found:
        yield found


def caught_up(primary: MySQL, replica: MySQL) -> bool:
    ((position,),) = primary.execute("SELECT @@gtid_executed")
    ((reached,),) = replica.execute(f"SELECT GTID_SUBSET('{position}', @@gtid_executed)")
    return bool(reached)


def told(watch: Watch, name: str) -> float | None:
    """Return what the old name says, having checked that the new one says the same."""
    page = watch.scrape()
    old, new = (page.value(f"mysql_slave_status_{which}", channel_name="east") for which in (name, BOTH[name]))
    assert old == new
    return old


def test_both_spellings_are_served(watch: Watch, primary: MySQL) -> None:
    page = watch.scrape()
    for old, new in BOTH.items():
        values = [page.all(f"mysql_slave_status_{name}") for name in (old, new)]
        assert values[0] == values[1], old
        assert len(values[0]) == 1, old
        assert page.types[f"mysql_slave_status_{old}"] == page.types[f"mysql_slave_status_{new}"] == "untyped"
    ((uuid,),) = primary.execute("SELECT @@server_uuid")
    labels = page.all("mysql_slave_status_slave_io_running")[0][0]
    assert labels == {"master_host": "127.0.0.1", "master_uuid": uuid, "channel_name": "east", "connection_name": ""}


def test_running_pair_has_no_lag_idle_or_not(watch: Watch, primary: MySQL, replica: MySQL) -> None:
    assert (told(watch, "slave_io_running"), told(watch, "slave_sql_running")) == (1, 1)
    assert eventually(lambda: told(watch, "seconds_behind_master") == 0, 15)  # the pair may have had a beginning to catch up with
    primary.execute("REPLACE INTO shop.orders VALUES (1, 1)")
    assert eventually(lambda: caught_up(primary, replica), 15)
    time.sleep(1.5)
    assert told(watch, "seconds_behind_master") == 0
    page = watch.scrape()
    applied = [value for _, value in page.all("mysql_perf_schema_last_applied_transaction_end_apply_timestamp_seconds")]
    assert max(applied) == pytest.approx(time.time(), abs=60)


def test_replica_that_is_behind_tells_by_how_much(watch: Watch, primary: MySQL, replica: MySQL) -> None:
    with replica.session(autocommit=False) as blocker:
        blocker.execute("INSERT INTO shop.orders VALUES (50, 0)")
        primary.execute("INSERT INTO shop.orders VALUES (50, 1)")
        assert eventually(lambda: (told(watch, "seconds_behind_master") or 0) >= 2, 15)
        blocker.execute("ROLLBACK")
    assert eventually(lambda: told(watch, "seconds_behind_master") == 0, 20)


def test_stopped_replica_has_no_lag_to_tell(watch: Watch, replica: MySQL) -> None:
    replica.execute("STOP REPLICA FOR CHANNEL 'east'")
    try:
        assert (told(watch, "slave_io_running"), told(watch, "slave_sql_running")) == (0, 0)
        assert told(watch, "seconds_behind_master") is None
    finally:
        replica.execute("START REPLICA FOR CHANNEL 'east'")


def test_replica_that_breaks_says_with_which_error(watch: Watch, primary: MySQL, replica: MySQL) -> None:
    replica.execute("SET sql_log_bin = 0", "INSERT INTO shop.orders VALUES (99, 0)")
    try:
        primary.execute("INSERT INTO shop.orders VALUES (99, 1)")
        assert eventually(lambda: (told(watch, "slave_io_running"), told(watch, "slave_sql_running")) == (1, 0), 15)
        assert watch.scrape().value("mysql_slave_status_last_sql_errno", channel_name="east") == 1062
        assert told(watch, "seconds_behind_master") is None
    finally:
        replica.execute("SET sql_log_bin = 0", "DELETE FROM shop.orders WHERE id = 99", "START REPLICA FOR CHANNEL 'east'")
    assert eventually(lambda: caught_up(primary, replica), 20)


def test_primary_knows_its_replicas(primary: MySQL, replica: MySQL, tmp_path: Path) -> None:
    ((uuid,),) = replica.execute("SELECT @@server_uuid")
    with Watch(mysql_options(primary.dsn(), collectors={"slave_hosts": True}), tmp_path / "state") as watch:
        assert eventually(lambda: watch.scrape().all("mysql_heartbeat_mysql_slave_hosts_info") != [], 20)
        ((labels, _),) = watch.scrape().all("mysql_heartbeat_mysql_slave_hosts_info")
        assert labels == {
            "server_id": "2", "slave_host": "replica.example", "port": str(replica.port), "master_id": "1", "slave_uuid": uuid,
        }  # fmt: skip


def test_schema_change_of_the_primary_is_told_by_the_replica(primary: MySQL, replica: MySQL, tmp_path: Path) -> None:
    """What the replica's own threads apply is counted like what clients send."""
    assert eventually(lambda: caught_up(primary, replica), 20)
    with Watch(mysql_options(replica.dsn()), tmp_path / "schema") as watch:
        watch.check()
        primary.execute("ALTER TABLE shop.orders ADD COLUMN applied INT")
        assert eventually(lambda: said(watch.check()) == ["column orders.applied added safe"], 15)
        primary.execute("ALTER TABLE shop.orders DROP COLUMN applied")
