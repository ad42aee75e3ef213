"""The real postgres_exporter (Debian's newest, 0.19) and ours, against the same live server with load on it.

What each serves is compared as names, types and label names; what stands still is compared by value.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from threading import Event, Thread

import psycopg
import pytest

from newest import NewestPostgres
from pages import Page, read, reference
from servers import Child, Postgres, free_port, get, tocsin, until

PROGRAM = "prometheus-postgres-exporter"
OPTIONAL = (
    "database_wraparound", "long_running_transactions", "postmaster", "process_idle", "stat_activity_autovacuum", "stat_checkpointer",
    "stat_statements", "stat_wal_receiver", "statio_user_indexes", "buffercache_summary",
)  # fmt: skip

THEIRS_ALONE = {
    # of their process, not of the server; ours has tocsin_build_info, tocsin_config_* and process_*
    "go_": "runtime of the Go language",
    "promhttp_": "metrics of the Go HTTP library",
    "postgres_exporter_": "about their process",
    "process_network_": "their newer client library tells it about the process",
    "process_virtual_memory_max_bytes": "prometheus_client for Python does not tell it",
    "pg_replication_last_replay_seconds": "on a primary, which replays nothing, theirs is 0: ours is absent",
    "pg_stat_archiver_last_archive_age": "where nothing was ever archived theirs is 0: ours is absent",
}
DIFFERENT_VALUES = {
    "pg_settings_extra_float_digits": "a setting of the session that asks: their driver's is 2",
    **dict.fromkeys(
        ("pg_settings_tcp_keepalives_idle_seconds", "pg_settings_tcp_keepalives_interval_seconds", "pg_settings_tcp_keepalives_count"),
        "theirs is what the operating system gave their session, ours what the server is configured to: 0, the system's",
    ),
}


@pytest.fixture(scope="module", params=[Postgres, pytest.param(NewestPostgres, marks=pytest.mark.newest)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = request.param(tmp_path_factory.mktemp("compared")).start(
        shared_preload_libraries="pg_stat_statements", track_io_timing="on", max_replication_slots=4, wal_level="replica"
    )
    server.execute(
        "CREATE EXTENSION pg_stat_statements",
        "CREATE TABLE orders (id serial PRIMARY KEY, email text UNIQUE, total numeric)",
        "INSERT INTO orders (email, total) SELECT 'e' || i, i FROM generate_series(1, 2000) AS i",
        "CREATE TABLE empty (id int)",
        "VACUUM ANALYZE orders",
        "SELECT pg_create_physical_replication_slot('kept', true)",
        "CREATE DATABASE other",
    )
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def load(server: Postgres) -> Iterator[None]:
    """Somebody works, somebody idles, and somebody has forgotten a transaction."""
    stop = Event()

    def work() -> None:
        with psycopg.connect(server.dsn(), autocommit=True, application_name="load") as connection:
            while not stop.wait(0.01):
                connection.execute("UPDATE empty SET id = id + 1")
                connection.execute("SELECT pg_sleep(0.01)")

    worker = Thread(target=work)
    with psycopg.connect(server.dsn(), application_name="forgetful") as forgetful:
        forgetful.execute("SELECT 1")
        worker.start()
        yield
        stop.set()
        worker.join()


@pytest.fixture(scope="module")
def pages(server: Postgres, load: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Page]]:
    program = reference(PROGRAM)
    folder = tmp_path_factory.mktemp("pages")
    port = free_port()
    flags = [f"--collector.{name}" for name in OPTIONAL]
    environment = {"DATA_SOURCE_NAME": server.dsn() + "?sslmode=disable"}
    theirs = Child([str(program), f"--web.listen-address=127.0.0.1:{port}", *flags], folder / "theirs.log", environment)
    config = folder / "tocsin.yaml"
    config.write_text(
        f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {folder}/state
targets:
  - name: compared
    kind: postgres
    dsn: {server.dsn()}
    compat: "0.19"
    databases: {{include: ["^postgres$"]}}
    collectors: {{statio_user_indexes: true, buffercache_summary: true, schema: false}}
"""
    )
    try:
        with tocsin(config, folder) as (url, _):
            until(lambda: get(f"http://127.0.0.1:{port}/metrics")[0] == 200)
            get(f"{url}/metrics")  # both have connections by now, which each sees of the other
            get(f"http://127.0.0.1:{port}/metrics")
            yield read(get(f"http://127.0.0.1:{port}/metrics")[1]), read(get(f"{url}/metrics")[1])
    finally:
        theirs.stop()


EXTRA_LABELS = {
    "pg_statio_user_indexes_idx_blks_read_total": {"datname"},
    "pg_statio_user_indexes_idx_blks_hit_total": {"datname"},
}
"""Labels that ours has beside theirs: several databases may hold an index of the same name."""


def test_every_series_of_theirs_is_ours_with_its_type_and_labels(pages: tuple[Page, Page]) -> None:
    theirs, ours = pages
    served = ours.by_name()
    expected = {n: s for n, s in theirs.by_name().items() if not n.startswith(tuple(THEIRS_ALONE))}
    assert len(expected) > 300
    missing = sorted(set(expected) - set(served))
    assert not missing
    different = {
        name: (shape, served[name])
        for name, shape in expected.items()
        if served[name] != shape._replace(labels=shape.labels | EXTRA_LABELS.get(name, set()))
    }
    assert not different


def test_series_of_ours_alone_are_called_ours(pages: tuple[Page, Page]) -> None:
    theirs, ours = pages
    kept = re.compile(r"tocsin_.*|pg_stat_bgwriter_(checkpoints|checkpoint|buffers)_.*|pg_replication_lag")
    assert [n for n in set(ours.by_name()) - set(theirs.by_name()) if not kept.fullmatch(n)] == []


STABLE = (
    "pg_settings_", "pg_database_size_bytes", "pg_database_connection_limit", "pg_roles_connection_limit",
    "pg_replication_is_replica", "pg_replication_lag_seconds", "pg_postmaster_start_time_seconds", "pg_stat_database_stats_reset",
    "pg_stat_user_tables_table_size_bytes", "pg_stat_user_tables_index_size_bytes", "pg_stat_user_tables_last_vacuum",
    "pg_stat_user_tables_vacuum_count", "pg_replication_slots_active", "pg_replication_slot_slot_is_active",
    "pg_replication_slot_wal_status", "pg_wal_segments", "pg_static", "pg_stat_archiver_archived_count",
    "pg_stat_bgwriter_stats_reset_total",
)  # fmt: skip


def test_what_stands_still_has_the_same_value(pages: tuple[Page, Page]) -> None:
    theirs, ours = pages
    compared = {key: value for key, value in theirs.values.items() if key[0].startswith(STABLE)}
    assert len(compared) > 280
    different = {
        (name, tuple(sorted(labels))): (value, ours.values.get((name, labels)))
        for (name, labels), value in compared.items()
        if name not in DIFFERENT_VALUES and ours.values.get((name, labels)) != pytest.approx(value, rel=1e-9)
    }
    assert not different


def test_the_exporter_compared_with_is_the_one_the_contract_speaks_of() -> None:
    version = subprocess.run([reference(PROGRAM), "--version"], capture_output=True, text=True, check=True)
    assert "version 0.19" in version.stdout + version.stderr, "a newer release: compare under its names (compat)"
