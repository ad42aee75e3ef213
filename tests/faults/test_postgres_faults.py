"""What can happen to a PostgreSQL server, on a real one: the reason, the truth in pg_up, a message that helps, and the way back."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from network import packets_dropped
from servers import Postgres, free_port
from tocsin.config import Config
from tocsin.metric import gauge
from tocsin.source import Collector
from tocsin.sources.postgres import SOURCE
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sql import Ask, Query
from watching import Page, Watch, eventually, postgres_options, said

SECRET = "hunter2-must-not-be-seen"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that these tests may stop, kill and freeze; each leaves it running."""
    found = Postgres(tmp_path_factory.mktemp("own")).start()
    found.execute(
        f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'", "GRANT pg_monitor TO guarded", "CREATE ROLE plain LOGIN", "CREATE DATABASE shop"
    )
    found.execute("CREATE TABLE orders (id int PRIMARY KEY, email text)", "CREATE INDEX ON orders (lower(email))", database="shop")
    hba = found.data / "pg_hba.conf"
    hba.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    found.execute("SELECT pg_reload_conf()")
    yield found
    found.stop("immediate")


@pytest.fixture
def watched(server: Postgres, tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    """Watch a server by its DSN; all are let go of at the end, no session of theirs stays, and nothing that they said holds the secret."""
    opened: list[Watch] = []

    def start(dsn: str, **more: object) -> Watch:
        opened.append(Watch(postgres_options(dsn, **more), tmp_path / f"state-{len(opened)}").__enter__())
        return opened[-1]

    yield start
    for watch in opened:
        watch.__exit__(None, None, None)
    assert eventually(lambda: our_sessions(server) == [], 20)


@pytest.fixture(autouse=True)
def keeps_the_secret(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert SECRET not in caplog.text


def guarded(server: Postgres, password: str = SECRET) -> str:
    return f"postgresql://guarded:{password}@127.0.0.1:{server.port}/shop"


SCHEDULED = {f"postgres.{collector.name}" for collector in SOURCE.collectors if collector.every is not None}


def failing(page: Page) -> set[str]:
    """Return the reasons of failing live collectors; scheduled ones say what they say when they are run."""
    assert SECRET not in page.text
    return {labels["reason"] for labels, _ in page.all("tocsin_collector_failing") if labels["collector"] not in SCHEDULED}


def is_down(watch: Watch, page: Page, reason: str, *words: str) -> bool:
    """Check that the page tells the truth about a server that does not answer, and that the message names target and remedy."""
    assert page.value("pg_up") == page.value("tocsin_target_up") == 0
    assert page.value("tocsin_target_failing", reason=reason) == 1, watch.target.error
    assert failing(page) == {reason}
    assert {value for labels, value in page.all("tocsin_collector_success") if labels["collector"] not in SCHEDULED} == {0.0}
    assert not page.all("pg_stat_database_numbackends")
    message = str(watch.target.error)
    assert message.startswith(("pg: ", "target pg: "))
    assert SECRET not in message
    for word in words:
        assert word in message
    return True


def is_right(page: Page) -> bool:
    assert page.value("pg_up") == page.value("tocsin_target_up") == 1
    assert not page.all("tocsin_target_failing")
    assert failing(page) == set()
    assert page.value("pg_stat_database_numbackends", datname="shop") is not None
    return True


def our_sessions(server: Postgres) -> list[tuple[int, str, str]]:
    return server.execute("SELECT pid, state, datname FROM pg_stat_activity WHERE application_name = 'tocsin' ORDER BY pid")


@pytest.fixture(autouse=True)
def never_idle_in_transaction(server: Postgres, watched: Callable[..., Watch], keeps_the_secret: None) -> Iterator[None]:
    """Checked while the target is still watched: no session of ours keeps a transaction open."""
    yield
    assert not [row for row in our_sessions(server) if row[1] not in ("idle", "active")]


# The login


def test_wrong_password(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(guarded(server, "wrong-" + SECRET))
    assert is_down(watch, watch.scrape(), "auth", "guarded", "check user, password and pg_hba.conf")
    watch.check()
    assert watch.record("schema").error.reason == "auth"


def test_password_missing(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(f"postgresql://guarded@127.0.0.1:{server.port}/shop")
    assert is_down(watch, watch.scrape(), "auth", "check user, password and pg_hba.conf")


def test_unknown_role(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(f"postgresql://nobody_here@127.0.0.1:{server.port}/shop")
    assert is_down(watch, watch.scrape(), "auth", "nobody_here")


def test_password_changed_while_connected(server: Postgres, watched: Callable[..., Watch], tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(SECRET)
    watch = watched(f"postgresql://guarded@127.0.0.1:{server.port}/shop", password_file=file)
    assert is_right(watch.scrape())
    try:
        server.execute("ALTER ROLE guarded PASSWORD 'another'")
        assert is_right(watch.scrape())  # who is connected stays
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guarded'")
        assert is_down(watch, watch.scrape(), "auth", "check user, password")
        file.write_text("another\n")
        assert is_right(watch.scrape())
    finally:
        server.execute(f"ALTER ROLE guarded PASSWORD '{SECRET}'")


@pytest.mark.parametrize(
    ("dsn", "reason", "words"),
    [
        ("postgresql://x@127.0.0.1:abc/db", "config", "mend that word of the connection string"),
        ("host=127.0.0.1 port=99999", "config", "invalid port number"),
        ("host=127.0.0.1 sslmode=nonsense", "config", "mend that word of the connection string"),
        (f"postgresql://x@{'h' * 64}.example/db", "connect", "are host and port right?"),
    ],
)
def test_connection_string_that_makes_no_sense(watched: Callable[..., Watch], dsn: str, reason: str, words: str) -> None:
    watch = watched(dsn)
    assert is_down(watch, watch.scrape(), reason, words)


def test_no_such_database(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("later"))
    assert is_down(watch, watch.scrape(), "config", 'database "later" does not exist', "name one that exists")
    server.execute("CREATE DATABASE later")
    try:
        assert is_right(watch.scrape())
        watch.scheduler.stop()
    finally:
        server.execute("DROP DATABASE later WITH (FORCE)")


def test_database_that_the_role_may_not_connect_to(server: Postgres, watched: Callable[..., Watch]) -> None:
    server.execute("CREATE DATABASE closed", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    try:
        watch = watched(guarded(server).replace("/shop", "/closed"))
        assert is_down(watch, watch.scrape(), "permission", "grant the role CONNECT")
    finally:
        server.execute("DROP DATABASE closed")


@pytest.mark.parametrize("dsn", ["this is not a dsn", "postgresql://u:hunter2-must@not@be/x", "host=x hunter2-must-not-be-seen"])
def test_dsn_that_is_none(server: Postgres, watched: Callable[..., Watch], dsn: str) -> None:
    watch = watched(dsn)
    page = watch.scrape()
    assert is_down(watch, page, "config", "dsn")
    assert "hunter2" not in page.text + str(watch.target.error)


# The way


def test_nobody_listens(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(f"postgresql://postgres@127.0.0.1:{free_port()}/shop")
    assert is_down(watch, watch.scrape(), "connect", "is the server running, and are host and port right?")


def test_unknown_host(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched("postgresql://postgres@no-such-host.invalid/shop")
    assert is_down(watch, watch.scrape(), "connect", "no-such-host.invalid", "are host and port right?")


def test_name_server_that_does_not_answer_holds_up_nobody_else(
    server: Postgres, watched: Callable[..., Watch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server is the one part that is not real: the machine's own cannot be taken away from everybody else on it."""
    let_go = threading.Event()
    real = socket.getaddrinfo

    def deaf(host: str, *more: object, **others: object) -> object:
        if host == "db.example":
            let_go.wait(20)
        return real("127.0.0.1" if host == "db.example" else host, *more, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", deaf)
    lost = watched(server.dsn("shop").replace("127.0.0.1", "db.example"))
    neighbour = replace(postgres_options(server.dsn("shop")), name="neighbour")
    lost.scheduler.apply(Config(state_dir=tmp_path, targets=(lost.options, neighbour)))
    page = Page(b"".join(lost.app.metrics(2)).decode())
    assert page.value("pg_up", instance="pg") == 0
    assert page.value("tocsin_target_failing", instance="pg", reason="timeout") == 1
    assert page.value("pg_up", instance="neighbour") == 1
    let_go.set()
    assert eventually(lambda: lost.scrape().value("pg_up") == 1)


def test_host_with_several_addresses_and_several_hosts(server: Postgres, watched: Callable[..., Watch]) -> None:
    assert is_right(watched(server.dsn("shop").replace("127.0.0.1", "localhost")).scrape())
    dead = f"127.0.0.1:{free_port()}"
    assert is_right(watched(f"postgresql://postgres@no-such-host.invalid:5432,{dead},127.0.0.1:{server.port}/shop").scrape())


def test_something_else_listens_and_says_nothing(server: Postgres, watched: Callable[..., Watch]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        watch = watched(f"postgresql://postgres@127.0.0.1:{listener.getsockname()[1]}/shop")
        assert is_down(watch, watch.scrape(1.5), "timeout", "while connecting")


def test_something_else_listens_and_talks_nonsense(server: Postgres, watched: Callable[..., Watch]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        watch = watched(f"postgresql://u:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/shop?sslmode=disable")

        def answer() -> None:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        assert is_down(watch, watch.scrape(3), "connect", "cannot connect")
        thread.join()


# The server


def test_stopped_and_started(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(guarded(server))
    assert is_right(watch.scrape())
    server.stop()
    try:
        for _ in range(3):
            assert is_down(watch, watch.scrape(), "connect", "is the server running")
        watch.check()
        assert watch.record("schema").error.reason == "connect"
    finally:
        server.start()
    assert is_right(watch.scrape())
    watch.check()
    assert watch.record("schema").error is None


def test_stopped_and_started_between_two_scrapes(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    assert is_right(watch.scrape())
    watch.check()
    server.stop()
    server.start()
    assert is_right(watch.scrape())
    assert watch.check() == []
    assert watch.record("schema").error is None


@contextmanager
def slow_collector(watch: Watch, seconds: float) -> Iterator[Collector]:
    """Put a live collector of the test's own into the target: its statement sleeps."""
    metric = gauge("pg_test_slept", "Seconds slept.")
    query = Query("slow", ((130000, f"SELECT {seconds}::float8 AS slept FROM pg_sleep({seconds})"),), {"slept": metric})
    collector = Collector("slow", "a slow statement", (metric,), Ask(query))
    target = watch.target
    target.live.insert(0, collector)
    target.records[collector] = replace(target.records[target.live[1]])
    yield collector
    target.live.remove(collector)
    del target.records[collector]


def sleepers(server: Postgres) -> list[tuple[int]]:
    return server.execute("SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()")


def test_killed_in_mid_query(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    assert is_right(watch.scrape())
    pages: list[Page] = []
    try:
        with slow_collector(watch, 20):
            thread = threading.Thread(target=lambda: pages.append(watch.scrape(8)))
            thread.start()
            assert eventually(lambda: sleepers(server))
            children = psutil.Process(server.pid).children(recursive=True)
            for process in [psutil.Process(server.pid), *children]:
                process.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            thread.join(10)
            assert time.monotonic() - killed < 2, "a dead server must be noticed at once"
            assert is_down(watch, pages[0], "connect", "is the server running?")
        assert is_down(watch, watch.scrape(), "connect", "is the server running")
    finally:
        # Where nobody reaps orphans, the dead postmaster's number still seems to be in use.
        for lock in (server.data / "postmaster.pid", server.folder / f".s.PGSQL.{server.port}.lock"):
            lock.unlink()
        server.start()
    assert is_right(watch.scrape())


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """Stop every process of a server where it stands: first the one that starts the others, so that none comes meanwhile."""
    parent = psutil.Process(server.pid)
    parent.send_signal(signal.SIGSTOP)
    processes = [parent]
    try:
        for child in parent.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it was just ending
                child.send_signal(signal.SIGSTOP)
                processes.append(child)
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def test_frozen(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    assert is_right(watch.scrape())
    with frozen(server):
        for _ in range(2):  # over the connection that there is, and over a new one
            began = time.monotonic()
            assert is_down(watch, watch.scrape(2), "timeout", "no answer within the deadline")
            assert time.monotonic() - began < 2.2
            time.sleep(0.7)  # closing asks the deaf server to cancel, for half a second
    assert eventually(lambda: watch.scrape().value("pg_up") == 1)
    assert is_right(watch.scrape())


def test_frozen_in_mid_query(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    assert is_right(watch.scrape())
    pages: list[Page] = []
    with slow_collector(watch, 20):
        thread = threading.Thread(target=lambda: pages.append(watch.scrape(4)))
        thread.start()
        assert eventually(lambda: sleepers(server))
        with frozen(server):
            thread.join(10)
            assert is_down(watch, pages[0], "timeout", "no answer within the deadline")
    assert eventually(lambda: not sleepers(server))
    assert eventually(lambda: watch.scrape().value("pg_up") == 1)
    assert is_right(watch.scrape())


def by_socket(server: Postgres) -> str:
    """Return a DSN that works while the network does not."""
    return f"host={server.folder} port={server.port} user=postgres dbname=shop"


def sessions_over_the_network(server: Postgres) -> list[tuple[int]]:
    with psycopg.connect(by_socket(server), autocommit=True) as connection:
        return connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tocsin' AND client_addr IS NOT NULL ORDER BY pid"
        ).fetchall()


def test_network_that_drops_packets(server: Postgres, watched: Callable[..., Watch], tmp_path: Path) -> None:
    watch = watched(server.dsn("shop"))
    neighbour = replace(postgres_options(by_socket(server)), name="neighbour")
    watch.scheduler.apply(Config(state_dir=tmp_path, targets=(watch.options, neighbour)))
    assert is_right(watch.scrape())
    watch.check()
    before = sessions_over_the_network(server)
    assert before
    with packets_dropped(server.port):
        for doing in ("waiting for a result", "connecting"):  # over the connection that there is, and over a new one
            assert is_down(watch, watch.scrape(2), "timeout", "no answer within the deadline", doing)
            time.sleep(0.7)
        began = time.monotonic()
        page = Page(b"".join(watch.app.metrics(3)).decode())
        assert time.monotonic() - began < 3.5
        assert page.value("pg_up", instance="pg") == 0
        assert page.value("pg_up", instance="neighbour") == 1
        assert page.value("tocsin_collector_duration_seconds", instance="neighbour", collector="postgres.stat_database") < 1
        watch.check(5)
        # Nobody can tell the server that we hung up: it must find out by itself.
        assert eventually(lambda: not set(sessions_over_the_network(server)) & set(before), 90)
    assert is_right(watch.scrape())
    watch.check()
    assert watch.record("schema").error is None
    assert set(sessions_over_the_network(server)) & set(before) == set()


def test_network_that_drops_packets_in_mid_query(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    assert is_right(watch.scrape())
    pages: list[Page] = []
    with slow_collector(watch, 60):
        thread = threading.Thread(target=lambda: pages.append(watch.scrape(5)))
        thread.start()
        assert eventually(lambda: sleepers(server))
        before = sessions_over_the_network(server)
        with packets_dropped(server.port):
            thread.join(10)
            assert is_down(watch, pages[0], "timeout", "no answer within the deadline while waiting for a result")
            time.sleep(0.7)  # closing asks the deaf server to cancel, for half a second
            # The server's own limit ends the statement, although nobody hears of it.
            with psycopg.connect(by_socket(server), autocommit=True) as connection:
                running = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"
                assert eventually(lambda: not connection.execute(running).fetchall())
    assert is_right(watch.scrape())
    assert eventually(lambda: not set(sessions_over_the_network(server)) & set(before), 60)


def test_no_connection_left(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(guarded(server))
    held: list[psycopg.Connection] = []
    try:
        while True:
            held.append(psycopg.connect(guarded(server)))
    except psycopg.OperationalError:
        assert len(held) > 80
    try:
        assert is_down(watch, watch.scrape(), "connect", "refuses connections now")
    finally:
        for connection in held:
            connection.close()
    assert eventually(lambda: watch.scrape().value("pg_up") == 1)
    assert is_right(watch.scrape())


def test_connection_limit_of_the_role(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(guarded(server))
    server.execute("ALTER ROLE guarded CONNECTION LIMIT 0")
    try:
        assert is_down(watch, watch.scrape(), "connect", "too many connections for role", "refuses connections now")
    finally:
        server.execute("ALTER ROLE guarded CONNECTION LIMIT -1")
    assert is_right(watch.scrape())


def test_backend_terminated_between_scrapes(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    watch.check()
    for _ in range(3):
        assert is_right(watch.scrape())
        before = {row[0] for row in our_sessions(server)}
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tocsin'")
        assert eventually(lambda: not our_sessions(server))
        assert is_right(watch.scrape())
        assert not before & {row[0] for row in our_sessions(server)}
        assert watch.check() == []
        assert watch.record("schema").error is None


# Locks and slow statements


def test_table_locked_exclusively(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    watch.check()
    before = watch.page().value("tocsin_schema_fingerprint", database="shop")
    with psycopg.connect(server.dsn("shop")) as migration:
        migration.execute("ALTER TABLE orders ADD COLUMN added_under_lock int")
        # What somebody else commits meanwhile is found: the locked table has not changed, and is not read again.
        server.execute("CREATE TABLE meanwhile (a int)", database="shop")
        assert eventually(lambda: said(watch.check()) == ["table public.meanwhile added safe"])
        migration.commit()
    with psycopg.connect(server.dsn("shop")) as migration:
        migration.execute("LOCK orders IN ACCESS EXCLUSIVE MODE")
        assert eventually(lambda: watch.check() == [] and watch.record("schema").error is not None)
        for _ in range(2):
            began = time.monotonic()
            assert is_right(watch.scrape(5))
            assert time.monotonic() - began < 2.5
            assert watch.check() == []
            error = watch.record("schema").error
            assert error is not None
            assert (error.reason, error.lost) == ("locked", False)
            assert "tried again at the next run" in str(error)
            assert watch.journal.recall("pg", "postgres.schema", "roots:shop") is not None
        migration.commit()
    assert eventually(lambda: sorted(said(watch.check())) or watch.record("schema").error is None)
    found = said(watch.journal.events())
    assert sorted(found) == ["column public.orders.added_under_lock added safe", "table public.meanwhile added safe"]
    assert watch.page().value("tocsin_schema_fingerprint", database="shop") != before
    server.execute("ALTER TABLE orders DROP COLUMN added_under_lock", "DROP TABLE meanwhile", database="shop")


def test_lock_in_one_database_hides_no_change_in_another(server: Postgres, watched: Callable[..., Watch]) -> None:
    server.execute("CREATE DATABASE zoo")
    try:
        watch = watched(server.dsn("postgres"))
        watch.check()
        server.execute("ALTER TABLE orders ADD COLUMN moves_the_gate int", database="shop")
        with psycopg.connect(server.dsn("shop")) as migration:
            migration.execute("LOCK orders IN ACCESS EXCLUSIVE MODE")
            server.execute("CREATE TABLE lions (a int)", database="zoo")
            assert eventually(lambda: said(watch.check()) == ["table public.lions added safe"])
            assert watch.record("schema").error.reason == "locked"
        assert eventually(lambda: said(watch.check()) == ["column public.orders.moves_the_gate added safe"])
        watch.scheduler.stop()
    finally:
        server.execute("ALTER TABLE orders DROP COLUMN moves_the_gate", database="shop")
        server.execute("DROP DATABASE zoo WITH (FORCE)")


def test_slow_statement_is_cancelled_on_the_server(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    with slow_collector(watch, 60):
        page = watch.scrape(3)
        # The statement was cut off at half of the time, so that all others answered in time.
        assert page.value("tocsin_collector_success", collector="postgres.slow") == 0
        assert failing(page) == {"timeout"}
        assert page.value("tocsin_collector_failing", collector="postgres.slow", reason="timeout") == 1
        assert page.value("pg_up") == 1
        assert page.value("tocsin_collector_success", collector="postgres.stat_database") == 1
        assert not page.all("pg_test_slept")
        assert not sleepers(server)
    assert is_right(watch.scrape())


def test_statement_that_waits_for_a_lock_is_cancelled_on_the_server(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    metric = gauge("pg_test_orders", "Orders.")
    query = Query("orders", ((130000, "SELECT count(*) AS orders FROM public.orders"),), {"orders": metric})
    collector = Collector("orders", "orders", (metric,), Ask(query))
    watch.target.live.insert(0, collector)
    watch.target.records[collector] = replace(watch.target.records[watch.target.live[1]])
    with psycopg.connect(server.dsn("shop")) as migration:
        migration.execute("LOCK orders IN ACCESS EXCLUSIVE MODE")
        page = watch.scrape(3)
        assert failing(page) == {"locked"}
        assert page.value("tocsin_collector_failing", collector="postgres.orders", reason="locked") == 1
        assert page.value("pg_up") == 1
    page = watch.scrape(3)
    assert page.value("pg_test_orders") == 0
    assert is_right(page)


def test_abandoned_run_is_cancelled_on_the_server_too(server: Postgres, watched: Callable[..., Watch]) -> None:
    """The server's own timeout is switched off behind our back: closing the connection must stop the statement."""
    watch = watched(server.dsn("shop"))
    metric = gauge("pg_test_slept", "Seconds slept.")
    statement = "SELECT 1 AS slept FROM set_config('statement_timeout', '0', false), pg_sleep(30)"
    collector = Collector("slow", "slow", (metric,), Ask(Query("slow", ((130000, statement),), {"slept": metric})))
    watch.target.live.insert(0, collector)
    watch.target.records[collector] = replace(watch.target.records[watch.target.live[1]])
    watch.scrape(1.5)
    assert watch.record("slow").error.reason == "timeout"
    assert eventually(lambda: not sleepers(server), 3)


# Privileges


def test_role_without_privileges(server: Postgres, watched: Callable[..., Watch]) -> None:
    server.execute("CREATE DATABASE secluded", "REVOKE CONNECT ON DATABASE secluded FROM PUBLIC")
    try:
        watch = watched(f"postgresql://plain@127.0.0.1:{server.port}/shop")
        page = watch.scrape()
        assert page.value("pg_up") == 1
        # What the role may not do is named; whatever else there is goes on.
        refused = {labels["collector"] for labels, _ in page.all("tocsin_collector_failing")}
        assert failing(page) <= {"permission"}
        for name in refused:
            record = watch.record(name.removeprefix("postgres."))
            assert "grant the role pg_monitor" in str(record.error)
        assert not refused & {"postgres.static", "postgres.settings", "postgres.stat_database", "postgres.locks", "postgres.database"}
        # No privilege, no size: never 0, never another database's.
        assert page.value("pg_database_size_bytes", datname="secluded") is None
        assert page.value("pg_database_connection_limit", datname="secluded") == -1
        assert (page.value("pg_database_size_bytes", datname="shop") or 0) > 1_000_000
        watch.check()
        assert watch.record("schema").error is None
        known = {labels["database"] for labels, _ in watch.page().all("tocsin_schema_info")}
        assert "shop" in known
        assert "secluded" not in known
        objects = watch.page().value("tocsin_schema_objects", database="shop", object_kind="column")
        assert objects == 2, "pg_catalog shows what the role may not read"
    finally:
        server.execute("DROP DATABASE secluded")


def test_long_transaction_of_another_role_is_seen_with_pg_monitor_and_not_guessed_without(
    server: Postgres, watched: Callable[..., Watch]
) -> None:
    with psycopg.connect(server.dsn("shop")) as other:
        other.execute("SELECT 1")
        watch = watched(f"postgresql://plain@127.0.0.1:{server.port}/shop")
        page = watch.scrape()
        busy = page.value("pg_stat_activity_count", datname="shop", state="idle in transaction", usename="postgres")
        assert busy in (None, 0)
        server.execute("GRANT pg_monitor TO plain")
        try:
            page = watch.scrape()
            assert page.value("pg_stat_activity_count", datname="shop", state="idle in transaction", usename="postgres") == 1
            assert failing(page) == set()
        finally:
            server.execute("REVOKE pg_monitor FROM plain")


# The end


def test_nothing_is_left_on_the_server_after_close(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    watch.scrape()
    watch.check()
    assert our_sessions(server)
    watch.scheduler.stop()
    assert eventually(lambda: our_sessions(server) == [])


def test_nothing_is_left_on_the_server_after_close_in_mid_query(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop"))
    watch.scrape()
    with slow_collector(watch, 2):
        thread = threading.Thread(target=watch.scrape, args=(6,))
        thread.start()
        assert eventually(lambda: sleepers(server))
        watch.scheduler.stop()
        thread.join(10)
    assert eventually(lambda: our_sessions(server) == [], 8)


def test_one_target_down_delays_no_other(server: Postgres, tmp_path: Path) -> None:
    good = postgres_options(server.dsn("shop"))
    with socket.create_server(("127.0.0.1", 0)) as deaf, Watch(good, tmp_path / "state") as watch:
        bad = PostgresOptions(name="bad", kind="postgres", dsn=type(good.dsn)(f"postgresql://x@127.0.0.1:{deaf.getsockname()[1]}/x"))
        watch.scheduler.apply(Config(state_dir=tmp_path, targets=(bad, good)))
        page = Page(b"".join(watch.app.metrics(1.5)).decode())
        assert page.value("pg_up", instance="pg") == 1
        assert page.value("pg_up", instance="bad") == 0
        assert page.value("tocsin_collector_duration_seconds", instance="pg", collector="postgres.database") < 1


def test_options_of_the_dsn_do_not_loosen_the_session(server: Postgres, watched: Callable[..., Watch]) -> None:
    watch = watched(server.dsn("shop") + "?options=-c%20statement_timeout%3D0%20-c%20default_transaction_read_only%3Doff")
    assert is_right(watch.scrape())
    seen = server.execute("SELECT application_name FROM pg_stat_activity WHERE application_name = 'tocsin'")
    assert seen
    with slow_collector(watch, 60):
        assert failing(watch.scrape(2)) == {"timeout"}
