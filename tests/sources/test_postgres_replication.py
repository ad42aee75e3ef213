"""A primary and a streaming standby with a slot: what each tells of the other, idle and under load, stopped and promoted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple

import psycopg
import pytest

from servers import Postgres, get, tocsin, until

Value = Callable[..., float | None]


PRIMARY = {"wal_level": "replica", "max_replication_slots": 4, "max_slot_wal_keep_size": "64MB"}
STANDBY = {"hot_standby": "on", "wal_receiver_status_interval": "1s", "wal_retrieve_retry_interval": "500ms"}


class Pair(NamedTuple):
    primary: Postgres
    standby: Postgres
    value: Value
    """Value of a series of a target, of a fresh scrape; None where it is absent."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("replication")
    primary = Postgres(folder / "primary").start(**PRIMARY)
    primary.execute("SELECT pg_create_physical_replication_slot('follower', true)", "CREATE TABLE filler (t text)")
    standby = Postgres(folder / "standby", source=primary, slot="follower").start(**STANDBY)
    config = folder / "tocsin.yaml"
    config.write_text(
        f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {folder}/state
targets:
  - {{name: primary, kind: postgres, dsn: "{primary.dsn()}"}}
  - {{name: standby, kind: postgres, dsn: "{standby.dsn()}"}}
  - {{name: older, kind: postgres, dsn: "{primary.dsn()}", compat: "0.19", collectors: {{schema: false}}}}
"""
    )
    with tocsin(config, folder) as (url, _):

        def value(target: str, name: str, **labels: str) -> float | None:
            for line in get(f"{url}/probe?target={target}")[1].splitlines():
                found = re.fullmatch(rf"{name}(\{{.*\}})? (\S+)", line)
                if found and all(f'{k}="{v}"' in (found[1] or "") for k, v in labels.items()):
                    return float(found[2])
            return None

        until(lambda: value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") is not None)
        yield Pair(primary, standby, value)
    standby.stop("immediate")
    primary.stop("immediate")


def fill(primary: Postgres, megabytes: int) -> None:
    primary.execute(f"INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, {megabytes * 1000})")


def test_each_knows_its_role(pair: Pair) -> None:
    assert pair.value("primary", "pg_replication_is_replica") == 0
    assert pair.value("standby", "pg_replication_is_replica") == 1
    assert pair.value("standby", "pg_stat_wal_receiver_received_tli", slot_name="follower", status="streaming") == 1
    assert pair.value("primary", "pg_replication_slots_active", slot_name="follower") == 1


def test_neither_lags_when_nothing_happens(pair: Pair) -> None:
    fill(pair.primary, 1)
    until(lambda: pair.value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") == 0)
    time.sleep(2.5)
    assert pair.value("primary", "pg_replication_lag_seconds") == 0
    assert pair.value("standby", "pg_replication_lag_seconds") == 0
    assert (pair.value("standby", "pg_replication_last_replay_seconds") or 0) > 2


def test_replay_that_waits_is_told_in_bytes_and_seconds(pair: Pair) -> None:
    pair.standby.execute("SELECT pg_wal_replay_pause()")
    try:
        fill(pair.primary, 4)
        time.sleep(1.5)
        assert (pair.value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") or 0) > 3_000_000
        assert (pair.value("standby", "pg_replication_lag_seconds") or 0) > 1
    finally:
        pair.standby.execute("SELECT pg_wal_replay_resume()")
    until(lambda: pair.value("standby", "pg_replication_lag_seconds") == 0)
    until(lambda: pair.value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") == 0)


@contextmanager
def writing(primary: Postgres) -> Iterator[None]:
    """Write to the primary without a pause, a transaction each time."""
    stop = Event()

    def write() -> None:
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO filler SELECT repeat('y', 500) FROM generate_series(1, 100)")

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_standby_under_load_keeps_up_and_a_paused_one_falls_further_behind(pair: Pair) -> None:
    with writing(pair.primary):
        for _ in range(5):
            assert 0 <= (pair.value("standby", "pg_replication_lag_seconds") or 0) < 5
            assert (pair.value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") or 0) >= 0
            assert pair.value("standby", "pg_replication_lag") is not None
        before = pair.value("standby", "pg_stat_wal_receiver_flushed_lsn", slot_name="follower") or 0
        until(lambda: (pair.value("standby", "pg_stat_wal_receiver_flushed_lsn", slot_name="follower") or 0) > before + 1_000_000)
        pair.standby.execute("SELECT pg_wal_replay_pause()")
        try:
            seen = []
            for size in (1_000_000, 2_000_000):
                until(lambda size=size: (pair.value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") or 0) > size)  # type: ignore[misc]
                seen.append(pair.value("standby", "pg_replication_lag_seconds") or 0)
            assert 0 < seen[0] < seen[1]
        finally:
            pair.standby.execute("SELECT pg_wal_replay_resume()")
    until(lambda: pair.value("standby", "pg_replication_lag_seconds") == 0)


def test_standby_without_its_primary_says_so_where_the_lag_says_nothing(pair: Pair) -> None:
    assert until(lambda: pair.value("standby", "tocsin_pg_wal_receiver_streaming") == 1)
    assert pair.value("primary", "tocsin_pg_wal_receiver_streaming") is None
    pair.primary.stop()
    try:
        until(lambda: pair.value("standby", "tocsin_pg_wal_receiver_streaming") == 0)
        assert pair.value("standby", "pg_up") == 1
        assert pair.value("standby", "pg_replication_lag_seconds") == 0, "all that ever came was replayed"
        assert pair.value("standby", "pg_stat_wal_receiver_received_tli") is None
        assert pair.value("primary", "pg_up") == 0
    finally:
        pair.primary.start(**PRIMARY)
    until(lambda: pair.value("standby", "tocsin_pg_wal_receiver_streaming") == 1)
    assert until(lambda: pair.value("primary", "pg_replication_slots_active", slot_name="follower") == 1)


def test_server_that_recovers_from_an_archive_alone_misses_no_primary(pair: Pair) -> None:
    """Without primary_conninfo nobody is followed, and nobody is missed."""
    ((followed,),) = pair.standby.execute("SHOW primary_conninfo")
    pair.standby.execute("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
    try:
        until(lambda: pair.value("standby", "tocsin_pg_wal_receiver_streaming") is None)
    finally:
        pair.standby.execute("ALTER SYSTEM SET primary_conninfo = '" + followed.replace("'", "''") + "'", "SELECT pg_reload_conf()")
    until(lambda: pair.value("standby", "tocsin_pg_wal_receiver_streaming") == 1)


def test_slot_that_lost_its_log_says_so_by_either_name(pair: Pair) -> None:
    pair.primary.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        assert pair.value("primary", "pg_replication_slots_wal_status", slot_name="forgotten", wal_status="reserved") == 1
        for _ in range(8):
            pair.primary.execute("CREATE TABLE moves_on (a int)", "DROP TABLE moves_on", "SELECT pg_switch_wal()")
        until(lambda: pair.value("primary", "pg_replication_slots_pg_wal_lsn_diff", slot_name="follower") == 0)
        pair.primary.execute("CHECKPOINT")
        until(lambda: pair.value("primary", "pg_replication_slots_wal_status", slot_name="forgotten", wal_status="lost") == 1)
        assert pair.value("older", "pg_replication_slot_wal_status", slot_name="forgotten", wal_status="lost") == 1
        assert pair.value("older", "pg_replication_slots_wal_status", slot_name="forgotten") is None
    finally:
        pair.primary.execute("SELECT pg_drop_replication_slot('forgotten')")
    assert pair.value("primary", "pg_replication_slots_active", slot_name="follower") == 1


def test_stopped_standby_leaves_a_slot_that_holds_back_the_log(pair: Pair) -> None:
    pair.standby.stop()
    try:
        assert until(lambda: pair.value("primary", "pg_replication_slots_active", slot_name="follower") == 0)
        before = pair.value("primary", "pg_replication_slots_pg_wal_lsn_diff", slot_name="follower") or 0
        fill(pair.primary, 3)
        assert (pair.value("primary", "pg_replication_slots_pg_wal_lsn_diff", slot_name="follower") or 0) > before + 2_000_000
        assert (pair.value("primary", "pg_replication_slots_safe_wal_size_bytes", slot_name="follower") or 0) > 0
        assert pair.value("primary", "pg_stat_replication_pg_wal_lsn_diff", slot_name="follower") is None
        assert pair.value("standby", "pg_up") == 0
    finally:
        pair.standby.start(**STANDBY)
    assert until(lambda: pair.value("standby", "pg_up") == 1)
    assert until(lambda: pair.value("primary", "pg_replication_slots_active", slot_name="follower") == 1)


def test_promoted_standby_is_a_primary(pair: Pair) -> None:
    pair.standby.execute("SELECT pg_promote()")
    until(lambda: pair.value("standby", "pg_replication_is_replica") == 0)
    assert pair.value("standby", "pg_replication_lag_seconds") == 0
    assert pair.value("standby", "pg_stat_wal_receiver_received_tli") is None
    assert pair.value("standby", "tocsin_pg_wal_receiver_streaming") is None
    fill(pair.primary, 1)
    assert pair.value("standby", "pg_replication_lag_seconds") == 0
    assert until(lambda: pair.value("primary", "pg_replication_slots_active", slot_name="follower") == 0)
