"""Tables, indexes and statements of every watched database: nothing of ours waits behind a lock, nothing is mixed up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from servers import Postgres
from tocsin import config
from tocsin.errors import InternalError
from tocsin.options import DatabaseFilter, Secret
from tocsin.service import Service
from tocsin.source import Run
from tocsin.sources.postgres import SOURCE
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.relations import IO_INDEXES, USER_TABLES
from tocsin.sources.postgres.session import PostgresSession
from watching import Page, Watch


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("relations")).start(shared_preload_libraries="pg_stat_statements")
    server.execute("CREATE SCHEMA odd", 'CREATE EXTENSION pg_stat_statements SCHEMA "odd"', "CREATE DATABASE one", "CREATE DATABASE two")
    for name, count in (("one", 10), ("two", 20)):
        server.execute(
            "CREATE TABLE orders (id serial PRIMARY KEY, t text)",
            f"INSERT INTO orders (t) SELECT repeat('x', 500) FROM generate_series(1, {count * 100})",
            "VACUUM ANALYZE orders",
            database=name,
        )
    yield server
    server.stop("immediate")


@pytest.fixture
def service(server: Postgres, tmp_path: Path) -> Iterator[Service]:
    text = f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {tmp_path}/state
targets:
  - {{name: orders, kind: postgres, dsn: "{server.dsn()}", collectors: {{schema: false, statio_user_indexes: true}}}}
"""
    with Service(config.parse(text, "tocsin.yaml", tmp_path, {})) as service:
        yield service


def page(service: Service, seconds: float = 10.0) -> dict[tuple[str, str, str], float]:
    """Return the samples of tables by name, database and table."""
    found = {}
    text = b"".join(service.app.metrics(seconds)).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if "relname" in sample.labels:
                found[sample.name.removesuffix("_total"), sample.labels.get("datname", ""), sample.labels["relname"]] = sample.value
    return found


def test_every_database_has_its_own_table_of_the_same_name(server: Postgres, service: Service) -> None:
    found = page(service)
    for name in ("one", "two"):
        ((rows, size, indexes),) = server.execute(
            "SELECT n_live_tup, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables", database=name
        )
        assert found["pg_stat_user_tables_n_live_tup", name, "orders"] == rows
        assert found["pg_stat_user_tables_table_size_bytes", name, "orders"] == size
        assert found["pg_stat_user_tables_index_size_bytes", name, "orders"] == indexes
        assert found["pg_stat_user_tables_last_analyze", name, "orders"] > time.time() - 3600
        assert ("pg_statio_user_tables_heap_blocks_hit", name, "orders") in found
        assert ("pg_statio_user_indexes_idx_blks_hit", name, "orders") in found


def test_locked_table_is_told_by_its_pages_and_nobody_waits(server: Postgres, service: Service) -> None:
    page(service)
    with psycopg.connect(server.dsn("two")) as holder:
        holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        found = page(service)
        took = time.monotonic() - began
        ((pages,),) = server.execute("SELECT relpages FROM pg_class WHERE relname = 'orders'", database="two")
        assert found["pg_stat_user_tables_table_size_bytes", "two", "orders"] == pages * 8192
        assert found["pg_stat_user_tables_n_live_tup", "one", "orders"] > 0
        assert server.execute("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]
        assert took < 2
        holder.rollback()
    assert page(service)["pg_stat_user_tables_table_size_bytes", "two", "orders"] > pages * 8192


def test_statements_are_found_wherever_the_extension_is(server: Postgres, service: Service) -> None:
    server.execute("SELECT 42 AS answer", "SELECT 43 AS answer")
    text = b"".join(service.app.metrics(10)).decode()
    ((queryid, calls),) = server.execute("SELECT queryid, calls FROM odd.pg_stat_statements WHERE query = 'SELECT $1 AS answer'")
    lines = [line for line in text.splitlines() if f'queryid="{queryid}"' in line]
    assert len(lines) == 5
    assert [line.endswith(f" {calls}") for line in lines if line.startswith("pg_stat_statements_calls_total")] == [True]
    assert 'queryid="other"' in text


def test_excluded_default_database_does_not_hide_the_others(server: Postgres, tmp_path: Path) -> None:
    text = f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {tmp_path}/state
targets: [{{name: orders, kind: postgres, dsn: "{server.dsn()}", databases: {{include: ["^one$"]}}, collectors: {{schema: false}}}}]
"""
    with Service(config.parse(text, "tocsin.yaml", tmp_path, {})) as service:
        found = page(service)
    assert {datname for _, datname, _ in found} == {"one"}
    assert {name for name, *_ in found} >= {"pg_stat_user_tables_seq_scan", "pg_statio_user_tables_heap_blocks_hit"}


def test_new_database_is_found_and_a_dropped_one_forgotten(server: Postgres, service: Service) -> None:
    page(service)
    server.execute("CREATE DATABASE three")
    server.execute("CREATE TABLE fresh (id int)", database="three")
    assert ("pg_stat_user_tables_seq_scan", "three", "fresh") in page(service)
    server.execute("DROP DATABASE three WITH (FORCE)")
    found = page(service)
    assert not [key for key in found if key[1] == "three"]
    assert ("pg_stat_user_tables_seq_scan", "one", "orders") in found


@pytest.fixture
def sized(server: Postgres) -> Iterator[Postgres]:
    """Two databases of which the later has the large tables, one of them never analyzed."""
    server.execute("CREATE DATABASE d1", "CREATE DATABASE d2")
    server.execute(*(f"CREATE TABLE aaa_tiny{i} (id int PRIMARY KEY)" for i in range(3)), database="d1")
    server.execute(
        "CREATE TABLE aaa_small (id int PRIMARY KEY)",
        "CREATE TABLE zzz_big (id int PRIMARY KEY, t text) WITH (autovacuum_enabled = off)",
        "INSERT INTO zzz_big SELECT i, repeat('x', 500) FROM generate_series(1, 5000) AS i",
        "SELECT pg_sleep(1.1)",  # a session's counts are told at most once a second
        database="d2",
    )
    yield server
    server.execute("DROP DATABASE d1 WITH (FORCE)", "DROP DATABASE d2 WITH (FORCE)")


def watch_sized(server: Postgres, folder: Path, limit: int) -> Page:
    options = PostgresOptions(
        name="orders",
        kind="postgres",
        dsn=Secret(server.dsn("d1")),
        databases=DatabaseFilter(include=("^d[12]$",)),
        collectors={"schema": False, "statio_user_indexes": True},
        series_limit=limit,
    )
    with Watch(options, folder / f"state{limit}") as watch:
        return watch.scrape()


FAMILIES = {
    "stat_user_tables": ("pg_stat_user_tables_seq_scan", len(USER_TABLES.values)),
    "statio_user_tables": ("pg_statio_user_tables_heap_blocks_hit", 4),  # those of TOAST are absent without one
    "statio_user_indexes": ("pg_statio_user_indexes_idx_blks_hit_total", len(IO_INDEXES.values)),
}


def test_series_budget_keeps_the_largest_of_all_databases_and_counts_the_rest(sized: Postgres, tmp_path: Path) -> None:
    def seen(page: Page, name: str) -> list[tuple[str, str]]:
        return [(labels["datname"], labels["relname"]) for labels, _ in page.all(name)]

    whole = watch_sized(sized, tmp_path, 100_000)
    for collector, (name, _) in FAMILIES.items():
        assert len(seen(whole, name)) == 5, name
        assert whole.value("tocsin_collector_dropped_series_total", collector=f"postgres.{collector}") == 0
    for collector, (name, columns) in FAMILIES.items():
        page = watch_sized(sized, tmp_path, columns)
        assert seen(page, name) == [("d2", "zzz_big")], collector
        of_it = {"collector": f"postgres.{collector}"}
        assert page.value("tocsin_collector_series", **of_it) == columns
        kept = whole.value("tocsin_collector_series", **of_it)
        assert kept is not None
        assert page.value("tocsin_collector_dropped_series_total", **of_it) == kept - columns


def test_answer_that_is_asked_for_twice_is_a_mistake_that_names_the_run(server: Postgres) -> None:
    session = PostgresSession(PostgresOptions(name="orders", kind="postgres", dsn=Secret(server.dsn("one"))))
    collector = next(c for c in SOURCE.collectors if c.name == "locks")
    run = Run(collector, time.monotonic() + 10)
    session.begin([run])
    assert session.answer(run).rows
    with pytest.raises(InternalError, match="orders: the answer to locks is asked for a second time"):
        session.answer(run)
    session.close()
