"""What PostgreSQL tells beside the reference exporter's series: who blocks whom, what sessions, disk and log do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from newest import NewestPostgres
from servers import Postgres, until
from tocsin import config
from watching import Watch, postgres_options


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    found = Postgres(tmp_path_factory.mktemp("own")).start(
        max_prepared_transactions=2, shared_preload_libraries="pg_stat_statements", **{"pg_stat_statements.track_planning": "on"}
    )
    found.execute("CREATE EXTENSION pg_stat_statements", "CREATE DATABASE one")
    found.execute("CREATE TABLE orders (id serial PRIMARY KEY, t text)", "INSERT INTO orders (t) VALUES ('x')", database="one")
    yield found
    found.stop("immediate")


@pytest.fixture
def watch(server: Postgres, tmp_path: Path) -> Iterator[Watch]:
    with Watch(postgres_options(server.dsn(), collectors={"schema": False, "stat_statements_query_id": True}), tmp_path / "state") as found:
        yield found


Queue = Callable[..., psycopg.Connection]


@pytest.fixture
def queue(server: Postgres) -> Iterator[Queue]:
    """Send a statement in a session of its own, which waits until the test ends or somebody lets it go on."""
    opened: list[psycopg.Connection] = []

    def send(statement: str, name: str) -> psycopg.Connection:
        opened.append(psycopg.connect(server.dsn("one"), autocommit=True, application_name=name))
        opened[-1].pgconn.send_query(statement.encode())
        return opened[-1]

    yield send
    for connection in opened:
        connection.close()


def test_root_of_a_lock_tree_is_named_and_those_who_wait_are_counted(server: Postgres, watch: Watch, queue: Queue) -> None:
    assert {value for _, value in watch.scrape().all("tocsin_pg_blocked_sessions")} == {0.0}
    with psycopg.connect(server.dsn("one"), application_name="forgetful") as holder:
        holder.execute("SELECT * FROM orders")
        # The migration waits for the reader who forgot; everybody after it waits for the migration.
        queue("BEGIN; LOCK TABLE orders; COMMIT", "migration")
        until(lambda: watch.scrape().value("tocsin_pg_blocked_sessions", datname="one") == 1)
        for _ in range(3):
            queue("SELECT count(*) FROM orders", "waiting")
        until(lambda: watch.scrape().value("tocsin_pg_blocked_sessions", datname="one") == 4)
        page = watch.scrape()
        assert (page.value("tocsin_pg_blocked_oldest_seconds", datname="one") or 0) > 0
        ((root, count),) = page.all("tocsin_pg_blocking_sessions")
        assert root == {"datname": "one", "usename": "postgres", "application_name": "forgetful", "state": "idle in transaction"}
        assert count == 1
        assert page.value("tocsin_pg_blocking_waiters", **root) == 4
        holder.rollback()
    until(lambda: watch.scrape().value("tocsin_pg_blocked_sessions", datname="one") == 0)
    assert not watch.scrape().all("tocsin_pg_blocking_sessions")


def test_prepared_transaction_that_blocks_is_called_one(server: Postgres, watch: Watch, queue: Queue) -> None:
    with psycopg.connect(server.dsn("one"), autocommit=True) as forgetful:
        for statement in ("BEGIN", "LOCK TABLE orders", "PREPARE TRANSACTION 'left behind'"):
            forgetful.execute(statement)
        queue("SELECT count(*) FROM orders", "waiting")
        until(lambda: watch.scrape().all("tocsin_pg_blocking_sessions"))
        ((root, _),) = watch.scrape().all("tocsin_pg_blocking_sessions")
        assert (root["datname"], root["state"]) == ("one", "prepared transaction")
        forgetful.execute("ROLLBACK PREPARED 'left behind'")


def test_sessions_are_counted_with_how_they_ended(server: Postgres, watch: Watch) -> None:
    def now(name: str, **labels: str) -> float:
        return watch.scrape().value(name, datname="one", **labels) or 0

    sessions, killed = now("tocsin_pg_sessions_total"), now("tocsin_pg_sessions_lost_total", reason="killed")
    with psycopg.connect(server.dsn("one"), autocommit=True, application_name="victim") as victim:
        victim.execute("SELECT 1")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'")
    until(lambda: now("tocsin_pg_sessions_lost_total", reason="killed") == killed + 1)
    assert now("tocsin_pg_sessions_total") >= sessions + 1
    page = watch.scrape()
    assert {labels["reason"] for labels, _ in page.all("tocsin_pg_sessions_lost_total")} == {"abandoned", "fatal", "killed"}
    assert {labels["activity"] for labels, _ in page.all("tocsin_pg_session_seconds_total")} == {"active", "idle", "idle in transaction"}


def test_log_that_is_written_is_counted_and_not_timed_unless_the_server_does(server: Postgres, watch: Watch) -> None:
    before = watch.scrape().value("tocsin_pg_wal_bytes_total") or 0
    server.execute("CREATE TABLE filler (t text)", "INSERT INTO filler SELECT repeat('x', 900) FROM generate_series(1, 2000)")
    until(lambda: (watch.scrape().value("tocsin_pg_wal_bytes_total") or 0) > before + 1_000_000)
    page = watch.scrape()
    assert (page.value("tocsin_pg_wal_writes_total") or 0) > 0
    assert page.value("tocsin_pg_wal_buffers_full_total") is not None
    assert page.value("tocsin_pg_wal_write_seconds_total") is None
    server.execute("ALTER SYSTEM SET track_wal_io_timing = on", "SELECT pg_reload_conf()")
    until(lambda: watch.scrape().value("tocsin_pg_wal_write_seconds_total") is not None)


def test_connections_are_counted_by_encryption(watch: Watch, server: Postgres) -> None:
    with psycopg.connect(server.dsn("one")):
        assert (watch.scrape().value("tocsin_pg_ssl_connections", version="") or 0) >= 1


def test_small_caches_are_told_in_full(watch: Watch, server: Postgres) -> None:
    ((count,),) = server.execute("SELECT count(*) FROM pg_stat_slru")
    found = watch.scrape().all("tocsin_pg_slru_operations_total")
    assert len(found) == count * 6
    assert {labels["operation"] for labels, _ in found} == {"zeroed", "hit", "read", "written", "flush", "truncate"}


def test_texts_of_statements_are_shown_only_where_asked_for_and_never_a_password(server: Postgres, watch: Watch, tmp_path: Path) -> None:
    server.execute("SELECT pg_stat_statements_reset()", "CREATE ROLE clerk PASSWORD 'do-not-show'", "SELECT\n   4711   AS answer")
    texts = {labels["query"] for labels, _ in watch.scrape().all("pg_stat_statements_query_id")}
    assert "SELECT $1 AS answer" in texts
    assert "(hidden: it may hold a password)" in texts
    assert not any("do-not-show" in text for text in texts)
    assert max(map(len, texts)) <= 120
    with Watch(postgres_options(server.dsn(), collectors={"schema": False}), tmp_path / "usual") as usual:
        assert not usual.scrape().all("pg_stat_statements_query_id")


@pytest.mark.newest
def test_input_and_output_by_kind_of_process(tmp_path: Path) -> None:
    server = NewestPostgres(tmp_path / "newest").start()
    try:
        server.execute("CREATE TABLE t AS SELECT generate_series(1, 50000) AS a", "CHECKPOINT")
        with Watch(postgres_options(server.dsn(), collectors={"schema": False}), tmp_path / "state") as watch:
            page = watch.scrape()
            assert not [r.error for r in watch.target.records.values() if r.error]
            client = {"backend_type": "client backend", "object": "relation"}
            assert sum(v for _, v in page.all("tocsin_pg_io_operations_total", **client, operation="hit")) > 1000
            assert sum(v for _, v in page.all("tocsin_pg_io_bytes_total", operation="write")) > 1_000_000
            assert not page.all("tocsin_pg_io_operations_total", backend_type="checkpointer", object="relation", operation="read")
            assert not page.all("tocsin_pg_io_operations_total", backend_type="standalone backend", context="bulkread")
            assert len(page.all("tocsin_pg_io_operations_total")) < 250
            # Of what the server does not measure there are no times; the log it measures as soon as it is told to.
            assert not page.all("tocsin_pg_io_seconds_total")
            server.execute("ALTER SYSTEM SET track_wal_io_timing = on", "SELECT pg_reload_conf()")
            until(lambda: watch.scrape().all("tocsin_pg_io_seconds_total"))
            assert {labels["object"] for labels, _ in watch.scrape().all("tocsin_pg_io_seconds_total")} == {"wal"}
            watch.check()
            assert not [r.error for r in watch.target.records.values() if r.error]
    finally:
        server.stop("immediate")


def test_new_connection_is_asked_once_what_there_is(server: Postgres, tmp_path: Path) -> None:
    with Watch(postgres_options(server.dsn(), collectors={"schema": False}), tmp_path / "state") as watch:
        server.execute("SELECT pg_stat_statements_reset()")
        for count in (1, 2):
            assert watch.scrape().value("pg_up") == 1
            asked = "SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE '%FROM pg_extension AS e JOIN pg_namespace%' AND toplevel"
            assert server.execute(asked + " AND query NOT LIKE '%pg_stat_statements%'") == [(count,)]


def test_server_is_told_to_notice_our_silence_and_its_own_settings_are_shown(server: Postgres, watch: Watch) -> None:
    page = watch.scrape()
    (mine,) = server.execute("SELECT setting::float8 FROM pg_settings WHERE name = 'tcp_user_timeout'")
    assert page.value("pg_settings_tcp_user_timeout_seconds") == mine[0] == 0
    assert page.value("pg_settings_tcp_keepalives_idle_seconds") == 0


def test_server_plans_our_statements_once_and_again_where_a_plan_is_stale(server: Postgres, tmp_path: Path) -> None:
    server.execute("CREATE TABLE counted (a int)", "INSERT INTO counted VALUES (7)")
    text = f"""
targets:
  - name: pg
    kind: postgres
    dsn: {server.dsn()}
    collectors: {{schema: false}}
    queries: [{{name: counted, sql: SELECT * FROM public.counted, metrics: {{a: {{name: counted_a, help: A number.}}}}}}]
"""
    (options,) = config.parse(text, "tocsin.yaml", tmp_path, {}).targets
    with Watch(options, tmp_path / "state") as watch:
        watch.scrape()
        watch.scrape()
        server.execute("SELECT pg_stat_statements_reset()")
        assert watch.scrape().value("counted_a") == 7
        rows = server.execute(
            "SELECT query, calls, plans FROM pg_stat_statements "
            "WHERE query NOT LIKE '%pg_stat_statements_reset%' AND query NOT LIKE '%plans%'"
        )
        assert len(rows) > 25
        assert {query.partition("(")[0] for query, _, plans in rows if plans} <= {
            "SELECT set_config", "SELECT * FROM public.counted",  # which differs each time, and one whose rows are counted as they come
        }  # fmt: skip
        server.execute("ALTER TABLE counted ALTER a TYPE bigint")
        until(lambda: watch.scrape().value("counted_a") == 7)
        page = watch.scrape()
        assert page.value("counted_a") == 7
        assert not page.all("tocsin_collector_failing")
