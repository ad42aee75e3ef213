"""The PostgreSQL source against a real server: the contract of names, the values, the connection."""

from __future__ import annotations

import contextlib
import re
import select
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from servers import Postgres, free_port
from tocsin.options import DatabaseFilter, Secret
from tocsin.source import Run
from tocsin.sources.postgres import SOURCE
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.queries import setting_sample
from tocsin.sources.postgres.session import PostgresSession
from watching import Page, Watch, eventually, postgres_options

ACTIVITY = ("datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event")
SENDER = ("application_name", "client_addr", "state", "slot_name")
DATABASE = ("datid", "datname")

# postgres_exporter 0.20 on PostgreSQL 15, for the collectors that there are: type and labels by name.
CONTRACT: dict[str, tuple[str, tuple[str, ...]]] = {
    "pg_up": ("gauge", ()),
    "pg_static": ("untyped", ("version", "short_version", "server")),
    "pg_database_size_bytes": ("gauge", ("datname",)),
    "pg_database_connection_limit": ("gauge", ("datname",)),
    "pg_locks_count": ("gauge", ("datname", "mode")),
    "pg_long_running_transactions": ("gauge", ()),
    "pg_long_running_transactions_oldest_timestamp_seconds": ("gauge", ()),
    "pg_replication_lag_seconds": ("gauge", ()),
    "pg_replication_lag": ("gauge", ()),  # its name until 0.11, which public dashboards still use
    "pg_replication_is_replica": ("gauge", ()),
    "pg_stat_activity_count": ("gauge", ACTIVITY),
    "pg_stat_activity_max_tx_duration": ("gauge", ACTIVITY),
    "pg_stat_replication_pg_current_wal_lsn_bytes": ("gauge", SENDER),
    "pg_stat_replication_pg_wal_lsn_diff": ("gauge", SENDER),
    **{
        f"pg_stat_bgwriter_{name}_total": ("counter", ())
        for name in (
            "buffers_clean", "maxwritten_clean", "buffers_alloc", "stats_reset",
            "checkpoints_timed", "checkpoints_req", "checkpoint_write_time", "checkpoint_sync_time",
            "buffers_checkpoint", "buffers_backend", "buffers_backend_fsync",
        )
    },
    "pg_stat_database_numbackends": ("gauge", DATABASE),
    **{
        f"pg_stat_database_{name}": ("counter", DATABASE)
        for name in (
            "xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned", "tup_fetched", "tup_inserted", "tup_updated",
            "tup_deleted", "conflicts", "temp_files", "temp_bytes", "deadlocks", "blk_read_time", "blk_write_time", "stats_reset",
        )
    },
    "pg_stat_database_active_time_seconds_total": ("counter", DATABASE),
}  # fmt: skip
ON_A_STANDBY = {"pg_replication_last_replay_seconds": ("gauge", ())}


def _series(type_: str, labels: tuple[str, ...], prefix: str, names: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {f"{prefix}_{name}": (type_, labels) for name in names.split()}


TABLE, SLOT = ("datname", "schemaname", "relname"), ("slot_name", "slot_type")
RECEIVER, STATEMENT = ("upstream_host", "slot_name", "status"), ("user", "datname", "queryid")
# The rest of the contract: what is served of it must be as it says; whether it is served depends on rows, versions and extensions.
SOMETIMES = (
    ON_A_STANDBY
    | _series("gauge", ("datname",), "pg_database_wraparound", "age_datfrozenxid_seconds age_datminmxid_seconds")
    | _series("gauge", (), "pg", "exporter_last_scrape_duration_seconds exporter_last_scrape_error xlog_location_bytes")
    | _series("gauge", ("collector",), "pg_scrape_collector", "duration_seconds success")
    | _series("counter", (), "pg", "exporter_scrapes_total")
    | _series("gauge", (), "pg", "postmaster_start_time_seconds wal_segments wal_size_bytes stat_archiver_last_archive_age")
    | _series("counter", (), "pg_stat_archiver", "archived_count failed_count")
    | _series("histogram", ("state", "application_name"), "pg_process", "idle_seconds")
    | _series("gauge", ("slot_name", "database"), "pg_replication_slots", "active pg_wal_lsn_diff")
    | _series("gauge", SLOT, "pg_replication_slots", "slot_current_wal_lsn slot_confirmed_flush_lsn slot_is_active safe_wal_size_bytes")
    | _series("gauge", (*SLOT, "wal_status"), "pg_replication_slots", "wal_status")
    | _series("gauge", ("rolname",), "pg_roles", "connection_limit")
    | _series("gauge", ("relname",), "pg_stat_activity", "autovacuum_timestamp_seconds")
    | _series("counter", (), "pg_stat_checkpointer", "num_timed_total num_requested_total restartpoints_timed_total restartpoints_req_total"
              " restartpoints_done_total write_time_total sync_time_total buffers_written_total stats_reset_total")
    | _series("counter", (*DATABASE, "server"), "pg_stat_database_conflicts", "confl_tablespace confl_lock confl_snapshot confl_bufferpin"
              " confl_deadlock")
    | _series("gauge", ("datname", "relname", "phase"), "pg_stat_progress_vacuum", "phase")
    | _series("gauge", ("datname", "relname"), "pg_stat_progress_vacuum", "heap_blks heap_blks_scanned heap_blks_vacuumed index_vacuums"
              " max_dead_tuples num_dead_tuples")
    | _series("counter", STATEMENT, "pg_stat_statements", "calls_total seconds_total rows_total block_read_seconds_total"
              " block_write_seconds_total")
    | _series("counter", TABLE, "pg_stat_user_tables", "seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins n_tup_upd n_tup_del"
              " n_tup_hot_upd vacuum_count autovacuum_count analyze_count autoanalyze_count")
    | _series("gauge", TABLE, "pg_stat_user_tables", "n_live_tup n_dead_tup n_mod_since_analyze last_vacuum last_autovacuum last_analyze"
              " last_autoanalyze index_size_bytes table_size_bytes")
    | _series("counter", TABLE, "pg_statio_user_tables", "heap_blocks_read heap_blocks_hit idx_blocks_read idx_blocks_hit toast_blocks_read"
              " toast_blocks_hit tidx_blocks_read tidx_blocks_hit")
    | _series("counter", ("schemaname", "relname", "indexrelname"), "pg_statio_user_indexes", "idx_blks_read_total idx_blks_hit_total")
    | _series("counter", RECEIVER, "pg_stat_wal_receiver", "receive_start_lsn flushed_lsn last_msg_send_time last_msg_receipt_time"
              " latest_end_lsn latest_end_time")
    | _series("gauge", RECEIVER, "pg_stat_wal_receiver", "receive_start_tli received_tli upstream_node")
    | _series("gauge", (), "pg_buffercache_summary", "buffers_used buffers_unused buffers_dirty buffers_pinned usagecount_avg")
)  # fmt: skip
STATES = ("active", "idle", "idle in transaction", "idle in transaction (aborted)", "fastpath function call", "disabled")
MODES = (
    "accesssharelock", "rowsharelock", "rowexclusivelock", "shareupdateexclusivelock", "sharelock",
    "sharerowexclusivelock", "exclusivelock", "accessexclusivelock", "sireadlock",
)  # fmt: skip


@pytest.fixture
def watch(postgres: Postgres, tmp_path: Path) -> Iterator[Watch]:
    with Watch(postgres_options(postgres.dsn()), tmp_path / "state") as found:
        yield found


@pytest.fixture(scope="module")
def standby(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("standby"))
    shutil.rmtree(server.data)
    server._run("pg_basebackup", "-d", postgres.dsn(), "-D", str(server.data), "-R", "-C", "-S", "standby_one", "-c", "fast")
    server.start(max_connections=50)
    yield server
    server.stop("immediate")
    postgres.execute("SELECT pg_drop_replication_slot('standby_one') FROM pg_stat_activity LIMIT 1")


def served(page: Page) -> dict[str, tuple[str, set[tuple[str, ...]]]]:
    """Return type and the label names seen, by family, of what is PostgreSQL's own on a page."""
    found: dict[str, tuple[str, set[tuple[str, ...]]]] = {}
    for sample, labels, _ in page.samples:
        if sample.startswith("pg_") and not sample.startswith("pg_settings_"):
            name = sample if sample in page.types else re.sub("_(bucket|sum|count)$", "", sample)
            found.setdefault(name, (page.types[name], set()))[1].add(tuple(sorted(labels.keys() - {"le"})))
    return found


def differing(page: Page, always: dict[str, tuple[str, tuple[str, ...]]]) -> dict[str, object]:
    """Return what a page serves in another form than the contract, and what it lacks of `always`."""
    found, due = served(page), expected(always)
    allowed = due | expected(SOMETIMES)
    return {n: f for n, f in found.items() if allowed.get(n) != f} | {n: "missing" for n in due if n not in found}


def expected(contract: dict[str, tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, set[tuple[str, ...]]]]:
    return {name: (type_, {tuple(sorted(labels))}) for name, (type_, labels) in contract.items()}


def test_every_series_has_the_name_type_and_labels_of_the_contract(watch: Watch, standby: Postgres) -> None:
    assert eventually(lambda: watch.scrape().all("pg_stat_replication_pg_wal_lsn_diff"))  # not before the standby's first report
    assert differing(watch.scrape(), CONTRACT) == {}


def test_every_collector_of_the_source_has_run(watch: Watch) -> None:
    page = watch.scrape()
    live = {f"postgres.{c.name}" for c in SOURCE.collectors if c.every is None and c.enabled}
    assert {labels["collector"] for labels, value in page.all("tocsin_collector_success") if value == 1} == live


def test_checkpointer_of_17_is_no_failure_and_no_sample_on_15(watch: Watch) -> None:
    page = watch.scrape()
    assert not any(name.startswith("pg_stat_checkpointer") for name in page.names())
    assert page.value("tocsin_collector_success", collector="postgres.stat_checkpointer") == 1


def test_static_names_the_version_as_the_incumbent_does(watch: Watch, postgres: Postgres) -> None:
    ((labels, value),) = watch.scrape().all("pg_static")
    ((version, number),) = postgres.execute("SELECT version(), current_setting('server_version_num')::int")
    assert value == 1
    assert labels == {
        "version": version, "short_version": f"{number // 10000}.{number % 10000}.0", "server": f"127.0.0.1:{postgres.port}",
    }  # fmt: skip


def test_standby_says_that_it_is_one_and_how_far_it_is(postgres: Postgres, standby: Postgres, tmp_path: Path) -> None:
    postgres.execute("CREATE TABLE IF NOT EXISTS replayed (a int)", "INSERT INTO replayed VALUES (1)")
    ((target,),) = postgres.execute("SELECT pg_current_wal_lsn()")
    assert eventually(lambda: standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{target}'") == [(True,)])
    with Watch(postgres_options(standby.dsn()), tmp_path / "state") as watch:
        page = watch.scrape()
        assert not [r.error for r in watch.target.records.values() if r.error]
    assert page.value("pg_replication_is_replica") == 1
    assert page.value("pg_replication_lag_seconds") == 0
    assert 0 <= (page.value("pg_replication_last_replay_seconds") or -1) < 300
    standing = {n: v for n, v in CONTRACT.items() if not n.startswith("pg_stat_replication")} | ON_A_STANDBY
    assert differing(page, standing) == {}


def test_paused_standby_lags_and_the_primary_counts_the_bytes(postgres: Postgres, standby: Postgres, tmp_path: Path, watch: Watch) -> None:
    standby.execute("SELECT pg_wal_replay_pause()")
    try:
        postgres.execute("CREATE TABLE IF NOT EXISTS replayed (a int)", "INSERT INTO replayed SELECT generate_series(1, 1000)")
        ((sent,),) = postgres.execute("SELECT pg_current_wal_lsn()")
        assert eventually(lambda: standby.execute(f"SELECT pg_last_wal_receive_lsn() >= '{sent}'") == [(True,)])
        with Watch(postgres_options(standby.dsn()), tmp_path / "standby-state") as other:
            page = other.scrape()
        # last_replay is the age of the last replayed transaction; while receiving is ahead of replaying, that is the lag.
        assert page.value("pg_replication_lag_seconds") == pytest.approx(page.value("pg_replication_last_replay_seconds"), abs=0.5)
        assert (page.value("pg_replication_lag_seconds") or 0) > 0
        sender = {"application_name": "walreceiver", "client_addr": "127.0.0.1", "state": "streaming", "slot_name": "standby_one"}
        assert (watch.scrape().value("pg_stat_replication_pg_wal_lsn_diff", **sender) or 0) > 50_000
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")
    assert eventually(lambda: watch.scrape().value("pg_stat_replication_pg_wal_lsn_diff", **sender) == 0)


# Values


def test_sizes_and_limits_are_the_servers(watch: Watch, postgres: Postgres, database: str) -> None:
    postgres.execute("CREATE TABLE filler AS SELECT generate_series(1, 20000) AS a", "CHECKPOINT", database=database)
    postgres.execute(f"ALTER DATABASE {database} CONNECTION LIMIT 7")
    page = watch.scrape()
    for name, size, limit in postgres.execute("SELECT datname, pg_database_size(oid), datconnlimit FROM pg_database"):
        assert page.value("pg_database_connection_limit", datname=name) == limit
        assert page.value("pg_database_size_bytes", datname=name) == pytest.approx(size, abs=200_000)
    assert page.value("pg_database_size_bytes", datname=database) > 7_500_000


def test_backends_are_counted_by_database(watch: Watch, postgres: Postgres, database: str) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(psycopg.connect(postgres.dsn(database)))
        page = watch.scrape()
    assert page.value("pg_stat_database_numbackends", datname=database) == 3
    ((oid,),) = postgres.execute(f"SELECT oid FROM pg_database WHERE datname = '{database}'")
    assert page.all("pg_stat_database_numbackends", datname=database)[0][0]["datid"] == str(oid)


def test_counters_are_the_servers_counters(watch: Watch, postgres: Postgres, database: str) -> None:
    with psycopg.connect(postgres.dsn(database), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int)")
        connection.execute("INSERT INTO t SELECT generate_series(1, 500)")
        connection.execute("UPDATE t SET a = a + 1 WHERE a <= 100")
        connection.execute("DELETE FROM t WHERE a > 450")
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT 1 / 0")
        connection.execute("SELECT pg_stat_force_next_flush()")
    names = ("xact_rollback", "tup_inserted", "tup_updated", "tup_deleted", "temp_files", "deadlocks", "conflicts")

    def of_server() -> list[float]:
        return [float(v) for v in postgres.execute(f"SELECT {', '.join(names)} FROM pg_stat_database WHERE datname = '{database}'")[0]]

    assert eventually(lambda: of_server()[1] >= 500)
    before = of_server()
    page = watch.scrape()
    assert [page.value(f"pg_stat_database_{n}", datname=database) for n in names] == before == of_server()
    assert before[0] == 1
    assert before[2:4] == [100, 50]
    assert (page.value("pg_stat_database_xact_commit", datname=database) or 0) >= 4


def test_locks_of_a_session_are_counted_by_mode(watch: Watch, postgres: Postgres, database: str) -> None:
    postgres.execute("CREATE TABLE t (a int)", "CREATE TABLE u (a int)", database=database)
    with psycopg.connect(postgres.dsn(database)) as holder:
        holder.execute("LOCK t IN EXCLUSIVE MODE")
        holder.execute("LOCK u IN EXCLUSIVE MODE")
        holder.execute("LOCK u IN SHARE MODE")
        page = watch.scrape()
    counted = {labels["mode"]: value for labels, value in page.all("pg_locks_count", datname=database)}
    assert counted == dict.fromkeys(MODES, 0.0) | {"exclusivelock": 2.0, "sharelock": 1.0}


def test_locks_are_filled_with_zero_for_every_database_and_mode(watch: Watch, postgres: Postgres, database: str) -> None:
    databases = {name for (name,) in postgres.execute("SELECT datname FROM pg_database")}
    found = {(labels["datname"], labels["mode"]) for labels, _ in watch.scrape().all("pg_locks_count")}
    assert found == {(d, mode) for d in databases for mode in MODES}
    assert "template0" in databases


def test_activity_is_filled_with_zero_for_every_database_and_state(watch: Watch, postgres: Postgres, database: str) -> None:
    page = watch.scrape()
    for (name,) in postgres.execute("SELECT datname FROM pg_database"):
        assert {labels["state"] for labels, _ in page.all("pg_stat_activity_count", datname=name)} == set(STATES)
    empty = dict.fromkeys(ACTIVITY[2:], "")
    for state in STATES:
        assert page.value("pg_stat_activity_count", datname=database, state=state, **empty) == 0
        assert page.value("pg_stat_activity_max_tx_duration", datname=database, state=state, **empty) == 0


def test_session_idle_in_transaction_is_shown_with_its_age(watch: Watch, postgres: Postgres, database: str) -> None:
    with psycopg.connect(postgres.dsn(database), application_name='quo"te\\d') as idle:
        idle.execute("SELECT 1")
        time.sleep(0.6)
        page = watch.scrape()
        session = {"datname": database, "state": "idle in transaction", "usename": "postgres", "application_name": 'quo"te\\d'}
        ((labels, count),) = page.all("pg_stat_activity_count", **session)
        assert count == 1
        assert (labels["backend_type"], labels["wait_event_type"], labels["wait_event"]) == ("client backend", "Client", "ClientRead")
        assert 0.6 <= page.value("pg_stat_activity_max_tx_duration", **session) < 10
        assert page.value("pg_long_running_transactions") >= 1
        assert page.value("pg_long_running_transactions_oldest_timestamp_seconds") >= 0.6
        with contextlib.suppress(psycopg.Error):
            idle.execute("SELECT 1 / 0")
        aborted = {"datname": database, "state": "idle in transaction (aborted)", "usename": "postgres"}
        assert watch.scrape().value("pg_stat_activity_count", **aborted) == 1


def test_own_session_is_not_counted(watch: Watch) -> None:
    assert not watch.scrape().all("pg_stat_activity_count", application_name="tocsin")


def test_background_writer_counts_are_the_servers(watch: Watch, postgres: Postgres) -> None:
    postgres.execute("CHECKPOINT")
    assert eventually(lambda: watch.scrape().value("pg_stat_bgwriter_checkpoints_req_total") ==
                      float(postgres.execute("SELECT checkpoints_req FROM pg_stat_bgwriter")[0][0]) > 0)  # fmt: skip
    ((reset,),) = postgres.execute("SELECT extract(EPOCH FROM stats_reset)::float8 FROM pg_stat_bgwriter")
    assert watch.scrape().value("pg_stat_bgwriter_stats_reset_total") == pytest.approx(reset)


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "Ünïcode ✓ 数据", "it's", "a b"])
def test_database_names_of_any_characters_arrive_unharmed(watch: Watch, postgres: Postgres, name: str) -> None:
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            page = watch.scrape()
            assert page.value("pg_database_connection_limit", datname=name) == -1
            assert (page.value("pg_database_size_bytes", datname=name) or 0) > 1_000_000
            watch.check()
            assert watch.record("schema").error is None
            assert watch.page().value("tocsin_schema_inspections_total", database=name) == 1
        finally:
            watch.scheduler.stop()  # our connection to it, which DROP would wait for
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


# Settings


@pytest.mark.parametrize(
    ("setting", "unit", "vartype", "suffix", "value"),
    [
        ("on", "", "bool", "", 1.0),
        ("off", "", "bool", "", 0.0),
        ("100", "", "integer", "", 100.0),
        ("-1", "", "integer", "", -1.0),
        ("0.5", "", "real", "", 0.5),
        ("1e-05", "", "real", "", 1e-05),
        ("200", "ms", "integer", "_seconds", 0.2),
        ("-1", "ms", "integer", "_seconds", -1.0),
        ("1.5", "ms", "real", "_seconds", 0.0015),
        ("90", "s", "integer", "_seconds", 90.0),
        ("5", "min", "integer", "_seconds", 300.0),
        ("2", "h", "integer", "_seconds", 7200.0),
        ("3", "d", "integer", "_seconds", 259200.0),
        ("1024", "B", "integer", "_bytes", 1024.0),
        ("4096", "kB", "integer", "_bytes", 4194304.0),
        ("-1", "kB", "integer", "_bytes", -1.0),
        ("64", "MB", "integer", "_bytes", 67108864.0),
        ("2", "GB", "integer", "_bytes", 2147483648.0),
        ("1", "TB", "integer", "_bytes", 1099511627776.0),
        ("16384", "8kB", "integer", "_bytes", 134217728.0),
        ("-1", "8kB", "integer", "_bytes", -1.0),
        ("3", "1kB", "integer", "_bytes", 3072.0),
        ("3", "2kB", "integer", "_bytes", 6144.0),
        ("3", "4kB", "integer", "_bytes", 12288.0),
        ("3", "16kB", "integer", "_bytes", 49152.0),
        ("3", "32kB", "integer", "_bytes", 98304.0),
        ("3", "64kB", "integer", "_bytes", 196608.0),
        ("16", "16MB", "integer", "_bytes", 268435456.0),
        ("2", "32MB", "integer", "_bytes", 67108864.0),
        ("2", "64MB", "integer", "_bytes", 134217728.0),
        ("200 MB", "", "integer", "_bytes", 209715200.0),
        ("10", "nonexistent", "integer", None, None),
        ("10", "us", "integer", None, None),
        ("10", "8xB", "integer", None, None),
        ("10", "kkB", "integer", None, None),
    ],
)
def test_settings_are_converted_by_the_table_of_units(
    setting: str, unit: str, vartype: str, suffix: str | None, value: float | None
) -> None:
    found = setting_sample("some.ext-setting", setting, unit, vartype)
    if suffix is None:
        assert found is None
        return
    assert found is not None
    metric, number = found
    assert (metric.name, metric.type, metric.labels) == (f"pg_settings_some_ext_setting{suffix}", "gauge", ())
    assert number == pytest.approx(value, rel=1e-12)
    words = {"": "", "_seconds": " [Units converted to seconds.]", "_bytes": " [Units converted to bytes.]"}
    assert metric.help == "Server Parameter: some.ext-setting" + words[suffix]


def test_every_numeric_parameter_of_the_server_is_served(watch: Watch, postgres: Postgres) -> None:
    page = watch.scrape()
    rows = postgres.execute("SELECT name, setting, COALESCE(unit, '') FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real')")
    scales = {"": 1, "ms": 0.001, "s": 1, "min": 60, "B": 1, "kB": 1024, "MB": 2**20, "8kB": 8192}
    own = {"statement_timeout", "lock_timeout", "default_transaction_read_only", "transaction_read_only", "extra_float_digits"}
    own |= {"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"}  # what the system gave the session
    for name, setting, unit in rows:
        suffix = "" if not unit else "_seconds" if unit in ("ms", "s", "min") else "_bytes"
        value = float({"on": "1", "off": "0"}.get(setting, setting))
        full = f"pg_settings_{name.replace('.', '_')}{suffix}"
        if name not in own:
            assert page.value(full) == pytest.approx(value if value == -1 else value * scales[unit]), name
        assert page.types[full] == "gauge"
    assert len([n for n in page.names() if n.startswith("pg_settings_")]) == len(rows)


@pytest.mark.parametrize(
    ("name", "value"), [("statement_timeout_seconds", 7.0), ("lock_timeout_seconds", 3.0), ("default_transaction_read_only", 0.0)]
)
def test_settings_are_the_servers_and_not_those_of_our_own_session(postgres: Postgres, watch: Watch, name: str, value: float) -> None:
    postgres.execute("ALTER SYSTEM SET statement_timeout = '7s'", "ALTER SYSTEM SET lock_timeout = '3s'", "SELECT pg_reload_conf()")
    try:
        assert eventually(lambda: postgres.execute("SHOW statement_timeout") == [("7s",)])
        watch.scrape()
        assert watch.scrape().value(f"pg_settings_{name}") == value
    finally:
        postgres.execute("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")
        assert eventually(lambda: postgres.execute("SHOW statement_timeout") == [("0",)])


# The connection


def our_sessions(postgres: Postgres) -> list[tuple[Any, ...]]:
    return postgres.execute("SELECT pid, state, datname FROM pg_stat_activity WHERE application_name = 'tocsin' ORDER BY pid")


def open_session(postgres: Postgres, **more: Any) -> PostgresSession:
    session = PostgresSession(postgres_options(postgres.dsn(), **more))
    session.begin([Run(SOURCE.collectors[0], time.monotonic() + 4)])
    return session


@pytest.mark.parametrize("statement", ["CREATE TABLE intruder (a int)", "DELETE FROM pg_class", "CREATE DATABASE intruder"])
def test_session_refuses_to_write(postgres: Postgres, statement: str) -> None:
    session = open_session(postgres)
    try:
        assert session.default is not None
        session.default.receive(time.monotonic() + 4)
        with pytest.raises(Exception, match="read-only transaction"):
            session.default.query(statement, time.monotonic() + 4)
    finally:
        session.close()


def test_session_has_its_name_and_limits(postgres: Postgres) -> None:
    session = open_session(postgres)
    try:
        assert session.default is not None
        session.default.receive(time.monotonic() + 4)
        ((name, statement, lock, path, zone),) = session.default.query(
            "SELECT current_setting('application_name'), current_setting('statement_timeout'), current_setting('lock_timeout'),"
            " current_setting('search_path'), current_setting('TimeZone')",
            time.monotonic() + 4,
        ).rows
    finally:
        session.close()
    assert (name, path, zone) == (b"tocsin", b"", b"UTC")
    # Of the four seconds to the deadline: half for a statement, a tenth for a lock.
    assert 1500 < int(statement.removesuffix(b"ms").replace(b"2s", b"2000")) <= 2000
    assert 300 < int(lock.removesuffix(b"ms")) <= 400


def test_one_connection_serves_all_scrapes(watch: Watch, postgres: Postgres) -> None:
    watch.scrape()
    before = our_sessions(postgres)
    for _ in range(5):
        watch.scrape()
        assert [row[1] for row in our_sessions(postgres)] == ["idle"]
    assert our_sessions(postgres) == before
    assert len(before) == 1


def test_schema_checks_keep_their_connections_within_the_cap(watch: Watch, postgres: Postgres, database: str) -> None:
    for i in range(5):
        postgres.execute(f"CREATE DATABASE {database}_{i}")
    try:
        watch.scrape()
        for _ in range(2):
            watch.check()
            assert watch.record("schema").error is None
            assert len(our_sessions(postgres)) <= watch.options.max_connections  # type: ignore[attr-defined]
            assert {row[1] for row in our_sessions(postgres)} == {"idle"}
    finally:
        for i in range(5):
            postgres.execute(f"DROP DATABASE {database}_{i} WITH (FORCE)")


@pytest.mark.parametrize("cap", [6, 9])
def test_many_scrapes_and_checks_at_once_open_no_more_than_the_cap(postgres: Postgres, tmp_path: Path, database: str, cap: int) -> None:
    most = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal most
        before: set[int] = set()
        with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
            while not stop.is_set():
                rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'tocsin'").fetchall()
                # A process that is just ending is still listed for a moment: it counts when it is seen twice.
                now = {pid for (pid,) in rows}
                most, before = max(most, len(now & before)), now
                time.sleep(0.02)

    counter = threading.Thread(target=count)
    counter.start()
    with Watch(postgres_options(postgres.dsn(), max_connections=cap), tmp_path / "state") as watch:
        pages: list[Page] = []
        threads = [threading.Thread(target=lambda: pages.append(watch.scrape())) for _ in range(20)]
        threads.append(threading.Thread(target=watch.check))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        stop.set()
        counter.join(10)
        assert watch.record("schema").error is None
    assert len(pages) == 20
    assert all(page.value("pg_up") == 1 and len(page.all("pg_locks_count")) > 8 for page in pages)
    assert 1 <= most <= cap


class Proxy:
    """Stands between client and server, answers late, and counts the client's turns: bursts with an answer awaited between them."""

    DELAY = 0.15

    def __init__(self, port: int) -> None:
        self.turns: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self._server = port
        self._stopped = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._stopped:
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                self.turns.append(0)
                self._threads.append(threading.Thread(target=self._carry, args=(client, len(self.turns) - 1)))
                self._threads[-1].start()
        self._listener.close()

    def _carry(self, client: socket.socket, number: int) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server)) as server:
            late: list[tuple[float, bytes]] = []
            answered = True
            while not self._stopped:
                ready, _, _ = select.select([client, server], [], [], 0.005)
                if client in ready:
                    data = client.recv(65536)
                    if not data:
                        return
                    self.turns[number] += answered
                    answered = False
                    server.sendall(data)
                if server in ready:
                    data = server.recv(65536)
                    if not data:
                        return
                    late.append((time.monotonic() + self.DELAY, data))
                while late and late[0][0] <= time.monotonic():
                    client.sendall(late.pop(0)[1])
                    answered = True

    def close(self) -> None:
        self._stopped = True
        for thread in self._threads:
            thread.join(10)


def test_all_queries_of_a_scrape_are_one_round_trip(postgres: Postgres, tmp_path: Path) -> None:
    proxy = Proxy(postgres.port)
    try:
        dsn = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres?sslmode=disable"
        with Watch(postgres_options(dsn, databases=DatabaseFilter(include=("^postgres$",))), tmp_path / "state") as watch:
            page = watch.scrape()
            assert page.value("pg_up") == 1
            while_connected = proxy.turns[0]
            began = time.monotonic()
            page = watch.scrape()
            took = time.monotonic() - began
            assert proxy.turns == [while_connected + 1]
        assert {v for _, v in page.all("tocsin_collector_success")} == {1.0}
        assert while_connected <= 3  # the connection itself, what the server has, and the queries
        assert took < 2 * proxy.DELAY + 0.2
    finally:
        proxy.close()


# Ways to say where the server is


PASSWORD = "p@ss'w\"o\\rd %/:?#"


@pytest.fixture(scope="module")
def guarded(postgres: Postgres) -> Iterator[str]:
    """A role that must give its password."""
    hba = postgres.data / "pg_hba.conf"
    before = hba.read_text()
    set_password(postgres, PASSWORD, create=True)
    hba.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + before)
    postgres.execute("SELECT pg_reload_conf()")
    with pytest.raises(psycopg.OperationalError, match="password"):
        until_refused(postgres)
    yield "guarded"
    hba.write_text(before)
    postgres.execute("SELECT pg_reload_conf()", "DROP ROLE guarded")


def until_refused(postgres: Postgres) -> None:
    for _ in range(100):
        psycopg.connect(postgres.dsn(user="guarded")).close()
        time.sleep(0.05)


def set_password(postgres: Postgres, password: str, *, create: bool = False) -> None:
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        verb = sql.SQL("CREATE ROLE guarded LOGIN PASSWORD {}" if create else "ALTER ROLE guarded PASSWORD {}")
        admin.execute(verb.format(sql.Literal(password)))


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def ways(form: str, port: int, folder: Path) -> PostgresOptions:
    url = f"postgresql://guarded:p%40ss%27w%22o%5Crd%20%25%2F%3A%3F%23@127.0.0.1:{port}/postgres"
    plain = f"postgresql://guarded@127.0.0.1:{port}/postgres"
    words = f"host=127.0.0.1 port={port} user=guarded dbname=postgres"
    password_file, dsn_file = folder / "password", folder / "dsn"
    password_file.write_text(PASSWORD + "\n")
    match form:
        case "url":
            return postgres_options(url)
        case "url with options":
            return postgres_options(url + "?connect_timeout=5&options=-c%20work_mem%3D8MB")
        case "words":
            return postgres_options(f"{words} password={quoted(PASSWORD)}")
        case "url in a file":
            dsn_file.write_text(url + "\n")
            return PostgresOptions(name="pg", kind="postgres", dsn_file=dsn_file)
        case "words in a file, password in another":
            dsn_file.write_text(words)
            return PostgresOptions(name="pg", kind="postgres", dsn_file=dsn_file, password_file=password_file)
        case "words and password file":
            return postgres_options(words, password_file=password_file)
        case _:
            return postgres_options(plain, password_file=password_file)


@pytest.mark.parametrize(
    "form",
    [
        "url", "url with options", "words", "url in a file",
        "words in a file, password in another", "words and password file", "url and password file",
    ],
)  # fmt: skip
def test_every_way_to_give_address_and_password_connects(postgres: Postgres, guarded: str, tmp_path: Path, form: str) -> None:
    with Watch(ways(form, postgres.port, tmp_path), tmp_path / "state") as watch:
        page = watch.scrape()
        assert page.value("pg_up") == 1, watch.target.error
    address = "" if "in a file" in form else f"127.0.0.1:{postgres.port}"
    assert page.all("tocsin_target_info")[0][0]["address"] == address
    assert PASSWORD not in page.text
    assert "p%40ss" not in page.text


def test_static_names_the_server_also_when_the_dsn_comes_from_a_file(postgres: Postgres, guarded: str, tmp_path: Path) -> None:
    with Watch(ways("url in a file", postgres.port, tmp_path), tmp_path / "state") as watch:
        ((labels, _),) = watch.scrape().all("pg_static")
    assert labels["server"] == f"127.0.0.1:{postgres.port}"


def test_changed_password_is_read_from_its_file_again(postgres: Postgres, guarded: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    options = ways("url and password file", postgres.port, tmp_path)
    try:
        with Watch(options, tmp_path / "state") as watch:
            assert watch.scrape().value("pg_up") == 1
            set_password(postgres, "another one")
            postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guarded'")
            assert watch.scrape().value("tocsin_target_failing", reason="auth") == 1
            file.write_text("another one")
            assert watch.scrape().value("pg_up") == 1
    finally:
        set_password(postgres, PASSWORD)


def test_address_never_holds_the_password() -> None:
    for dsn in (
        "postgresql://u:geheim@db:5432/x",
        "postgresql://u:gehe@im@db:5432/x",
        "postgresql:///x?host=/run/postgresql&password=geheim",
        "host=db port=5432 password=geheim user=u",
        "host='db' port = 5432 password='geh\\'eim'",
        "password='x host=geheim' host=db",
        "host=db password='x host=geheim'",
        "host=db password=a\\ host=geheim",
        "postgresql://u:geh#im@db/x",
        "postgresql://u:geh?im@db/x",
        "postgresql://u:geh/im@db/x",
        "postgresql://u:geh?x@im@db/x",
        "postgresql://u:geh@im?x@db/x",
        "geheim",
    ):
        options = PostgresOptions(name="pg", kind="postgres", dsn=Secret(dsn))
        assert "geheim" not in options.address, dsn
        assert "im" not in options.address, dsn
        assert "geh" not in repr(options)


def test_databases_are_chosen_by_include_and_exclude(postgres: Postgres, tmp_path: Path, database: str) -> None:
    chosen = DatabaseFilter(include=("^t_", "^postgres$"), exclude=("^postgres$",))
    with Watch(postgres_options(postgres.dsn(), databases=chosen), tmp_path / "state") as watch:
        watch.check()
        seen = {labels["database"] for labels, _ in watch.page().all("tocsin_schema_info")}
    assert database in seen
    assert all(re.match("^t_", name) for name in seen)


def test_nobody_listens_on_a_free_port_is_told_within_the_deadline(tmp_path: Path) -> None:
    with Watch(postgres_options(f"postgresql://x@127.0.0.1:{free_port()}/x"), tmp_path / "state") as watch:
        assert watch.scrape(2).value("tocsin_target_failing", reason="connect") == 1
