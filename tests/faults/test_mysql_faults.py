"""A MariaDB or MySQL that fails in every way: the scrape ends in time, says why, harms nobody, and is right again without a restart."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mariadb import MariaDB, MysqlServer, mysql_options
from network import packets_dropped
from newest import MySQL
from tocsin.sources.mysql import SOURCE
from tocsin.sql import OwnMetric, OwnQuery, SqlByVersion
from watching import Page, Watch, eventually

SETTINGS: dict[str, str | int] = {"performance_schema": "ON", "max_connections": 12, "skip_log_bin": 1}
SLOW = "SELECT one AS n FROM (SELECT 1 AS one UNION SELECT 2) AS t WHERE SLEEP(60) = 0"
"""A statement that ends in an error when it is stopped; SLEEP alone ends as if it were well."""
EVERYTHING = {c.name: c.name != "heartbeat" for c in SOURCE.collectors}


@pytest.fixture(scope="module", params=[MariaDB, pytest.param(MySQL, marks=pytest.mark.newest)], ids=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MysqlServer]:
    server: MysqlServer = request.param(tmp_path_factory.mktemp("faulty"))
    server.start(**SETTINGS)
    server.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, total INT)")
    yield server
    server.stop()


@pytest.fixture
def watch(server: MysqlServer, tmp_path: Path) -> Iterator[Watch]:
    server.exporter_account()
    with Watch(mysql_options(server.dsn(), collectors=EVERYTHING), tmp_path / "state") as found:
        yield found
    assert eventually(lambda: server.ours() == []), "a connection was left behind"


def failing(page: Page) -> str | None:
    """Return why the target is down, None when it is up."""
    assert page.value("mysql_up") == (0 if page.all("tocsin_target_failing") else 1)
    return next((labels["reason"] for labels, _ in page.all("tocsin_target_failing")), None)


def is_right(watch: Watch) -> bool:
    page = watch.scrape()
    return page.value("mysql_up") == 1 and all(value == 1 for _, value in page.all("tocsin_collector_success"))


def test_wrong_password_is_told_and_the_changed_one_read_from_its_file(server: MysqlServer, tmp_path: Path) -> None:
    server.exporter_account("right one")
    file = tmp_path / "password"
    file.write_text("geheim\n")
    with Watch(mysql_options(f"mysql://exporter@127.0.0.1:{server.port}/", password_file=file), tmp_path / "state") as watch:
        page = watch.scrape()
        assert failing(page) == "auth"
        assert "check user, password" in str(watch.target.error)
        assert "geheim" not in page.text + str(watch.target.error)
        file.write_text("right one\n")
        assert failing(watch.scrape()) is None
        server.exporter_account("another")
        (thread,) = server.ours()
        server.execute(f"KILL {thread}")
        assert failing(watch.scrape()) == "auth"
        file.write_text("another\n")
        assert failing(watch.scrape()) is None


def test_unknown_account_is_told(server: MysqlServer, tmp_path: Path) -> None:
    with Watch(mysql_options(f"mysql://nobody:geheim@127.0.0.1:{server.port}/"), tmp_path / "state") as watch:
        assert failing(watch.scrape()) == "auth"


def test_stopped_and_started_server_is_down_and_up_again(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    server.stop()
    page = watch.scrape(3)
    assert failing(page) == "connect"
    assert page.all("mysql_global_status_uptime") == []
    server.start(**SETTINGS)
    assert is_right(watch)


def test_restart_between_two_scrapes_is_not_seen(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    server.stop()
    server.start(**SETTINGS)
    assert is_right(watch)


def test_killed_server_is_down_and_up_again(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    server.kill()
    assert failing(watch.scrape(3)) == "connect"
    server.start(**SETTINGS)
    assert is_right(watch)


@pytest.mark.parametrize("connected", [True, False])
def test_frozen_server_costs_no_more_than_the_deadline(watch: Watch, server: MysqlServer, connected: bool) -> None:
    if connected:
        assert is_right(watch)
    server.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert failing(watch.scrape(1.5)) == "timeout"
        assert time.monotonic() - began < 2
        assert failing(watch.scrape(1.5)) == "timeout"
    finally:
        server.signal(signal.SIGCONT)
    assert eventually(lambda: is_right(watch))


def test_server_that_freezes_in_the_middle_of_a_scrape_costs_no_more_than_the_deadline(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    for delay in (0.005, 0.02, 0.05):
        timer = threading.Timer(delay, server.signal, (signal.SIGSTOP,))
        timer.start()
        try:
            watch.scrape(1.5)
        finally:
            timer.join()
            server.signal(signal.SIGCONT)
        assert eventually(lambda: is_right(watch))


def test_server_killed_in_mid_query_is_down_and_up_again(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    for delay in (0.005, 0.02, 0.05):
        timer = threading.Timer(delay, server.kill)
        timer.start()
        try:
            watch.scrape(3)
        finally:
            timer.join()
        assert failing(watch.scrape(3)) == "connect"
        server.start(**SETTINGS)
        assert is_right(watch)


def test_network_that_drops_packets_costs_no_more_than_the_deadline(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    before = server.ours()
    with packets_dropped(server.port):
        for _ in range(2):  # over the connection that there is, and over a new one
            assert failing(watch.scrape(1.5)) == "timeout"
    assert eventually(lambda: is_right(watch), 30)
    # The goodbye that could not be sent is sent again, ever more seldom; the server waits no longer than we told it to.
    assert eventually(lambda: not set(server.ours()) & set(before), 90)
    assert len(server.ours()) == 1


def test_network_that_drops_packets_in_mid_query_costs_no_more_than_the_deadline(server: MysqlServer, tmp_path: Path) -> None:
    server.exporter_account()
    nap = own_query("nap", "SELECT SLEEP(0.6) * 0 AS n")
    with Watch(mysql_options(server.dsn(), queries=(nap,)), tmp_path / "state") as watch:
        assert is_right(watch)
        scrape = threading.Thread(target=watch.scrape, args=(2.0,))
        scrape.start()
        assert eventually(lambda: any("SLEEP" in str(row[7]) for row in server.execute("SHOW PROCESSLIST") if row[1] == "exporter"))
        with packets_dropped(server.port):
            scrape.join(10)
            assert not scrape.is_alive()
            assert failing(watch.scrape(1.5)) == "timeout"
        assert eventually(lambda: is_right(watch), 30)


def test_server_is_told_to_close_what_is_left_of_us(server: MysqlServer, tmp_path: Path) -> None:
    server.exporter_account()
    with Watch(mysql_options(server.dsn(), queries=(own_query("idle", "SELECT @@wait_timeout AS n"),)), tmp_path / "state") as watch:
        assert watch.scrape().value("shop_idle") == 300


def own_query(name: str, sql: str) -> OwnQuery:
    return OwnQuery(name=name, sql=SqlByVersion({"": sql}), metrics={"n": OwnMetric(name=f"shop_{name}", help="A number.")})


def test_full_server_is_told_and_forgotten_when_there_is_room(server: MysqlServer, tmp_path: Path) -> None:
    server.exporter_account()
    with Watch(mysql_options(server.dsn()), tmp_path / "state") as watch:
        with ExitStack() as stack:
            for _ in range(13):  # one more than max_connections is kept for root
                stack.enter_context(server.session())
            page = watch.scrape(3)
            assert failing(page) == "connect"
            assert "Too many connections" in str(watch.target.error)
        assert eventually(lambda: is_right(watch))


def test_own_connection_survives_a_full_server(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    with ExitStack() as stack:
        for _ in range(11):
            stack.enter_context(server.session())
        page = watch.scrape(3)
        assert page.value("mysql_up") == 1
        assert page.value("mysql_global_status_threads_connected") == 12
        assert page.value("mysql_global_variables_max_connections") == 12


@contextmanager
def held(server: MysqlServer, *statements: str) -> Iterator[None]:
    """Hold a lock as long as the block lasts."""
    with server.session(database="shop") as cursor:
        for statement in statements:
            cursor.execute(statement)
        try:
            yield
        finally:
            cursor.execute("UNLOCK TABLES")
            cursor.execute("ROLLBACK")


@pytest.mark.parametrize(
    "statements",
    [["LOCK TABLES orders WRITE"], ["FLUSH TABLES WITH READ LOCK"], ["FLUSH TABLES orders WITH READ LOCK"], ["BACKUP STAGE START"]],
)
def test_locked_tables_are_read_all_the_same(watch: Watch, server: MysqlServer, statements: list[str]) -> None:
    if not isinstance(server, MariaDB):
        statements = [text.replace("BACKUP STAGE START", "LOCK INSTANCE FOR BACKUP") for text in statements]
    with held(server, *statements):
        page = watch.scrape(5)
        assert page.value("mysql_up") == 1
        assert {labels["collector"] for labels, value in page.all("tocsin_collector_success") if value == 0} == set()
        assert page.value("mysql_global_status_threads_connected") is not None


def test_alter_that_waits_for_a_lock_waits_not_for_us(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    with server.session(database="shop", autocommit=False) as reader, server.session(database="shop") as changer:
        reader.execute("SELECT * FROM orders")
        alter = threading.Thread(target=lambda: changer.execute("ALTER TABLE orders ADD COLUMN note TEXT"))
        alter.start()
        assert eventually(lambda: "Waiting for table metadata lock" in str(server.execute("SHOW PROCESSLIST")))
        page = watch.scrape(5)
        assert page.value("mysql_up") == 1
        assert page.value("mysql_global_status_threads_connected") is not None
        assert page.value("mysql_info_schema_processlist_threads", command="query", state="waiting_for_table_metadata_lock") == 1
        reader.execute("COMMIT")
        alter.join(5)
        assert not alter.is_alive(), "the change waited for us"
    server.execute("ALTER TABLE shop.orders DROP COLUMN note")
    assert is_right(watch)


def test_slow_statement_is_stopped_on_the_server_and_spoils_no_other(server: MysqlServer, tmp_path: Path) -> None:
    server.exporter_account()
    slow = own_query("slow", SLOW)
    after = own_query("after", "SELECT 7 AS n")
    with Watch(mysql_options(server.dsn(), queries=(slow, after)), tmp_path / "state") as watch:
        page = watch.scrape(3)
        assert failing(page) is None
        assert page.value("tocsin_collector_failing", collector="mysql.slow", reason="timeout") == 1
        assert page.value("shop_after") == 7
        assert server.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(60)%' AND id <> CONNECTION_ID()"
        ) == [(0,)]


def test_statement_that_the_server_does_not_limit_is_killed_by_us(
    server: MysqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tocsin.sources.mysql.session import MARIADB, Connection

    server.exporter_account()
    limit = Connection.limit

    def without(self: Connection, deadline: float) -> None:
        limit(self, deadline)  # as on MySQL, whose own limit is for SELECT only
        self.query(f"SET SESSION {'max_statement_time' if self.version >= MARIADB else 'max_execution_time'} = 0", deadline)

    monkeypatch.setattr(Connection, "limit", without)
    slow = own_query("slow", SLOW)
    after = own_query("after", "SELECT 7 AS n")
    with Watch(mysql_options(server.dsn(), queries=(slow, after)), tmp_path / "state") as watch:
        page = watch.scrape(3)
        assert failing(page) is None
        assert page.value("tocsin_collector_failing", collector="mysql.slow", reason="timeout") == 1
        assert server.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(60)%' AND id <> CONNECTION_ID()"
        ) == [(0,)]
        assert page.value("shop_after") == 7
        assert len(server.ours()) == 1


@pytest.mark.parametrize(
    ("grants", "collector", "missing"),
    [
        ("", "info_schema.innodb_trx", "PROCESS"),
        ("", "slave_status", "{status}"),
        ("PROCESS, {status}", "binlog_size", "BINLOG MONITOR"),
        ("PROCESS, {status}", "mysql.user", "SELECT"),
        ("PROCESS, {status}", "perf_schema.eventswaits", "SELECT"),
    ],
)
def test_missing_privilege_is_named_and_the_rest_works(
    server: MysqlServer, tmp_path: Path, grants: str, collector: str, missing: str
) -> None:
    status = "SLAVE MONITOR" if isinstance(server, MariaDB) else "REPLICATION CLIENT"
    server.exporter_account(grants=grants.format(status=status))
    if collector == "binlog_size":
        server.execute("SET GLOBAL read_only = 0")
    with Watch(mysql_options(server.dsn(), collectors=EVERYTHING), tmp_path / "state") as watch:
        page = watch.scrape()
        assert failing(page) is None
        assert page.value("mysql_global_status_uptime") is not None
        if collector != "binlog_size":  # this server keeps no binary log, so that nothing is asked
            assert page.value("tocsin_collector_failing", collector=f"mysql.{collector}", reason="permission") == 1
            assert f"GRANT {missing.format(status=status)} ON" in str(watch.record(collector).error)
        reasons = {labels["reason"] for labels, _ in page.all("tocsin_collector_failing")}
        assert reasons <= {"permission"}


def test_connection_that_was_killed_is_made_again(watch: Watch, server: MysqlServer) -> None:
    assert is_right(watch)
    (thread,) = server.ours()
    server.execute(f"KILL {thread}")
    assert is_right(watch)
    assert server.ours() != [thread]


def test_connection_that_idled_too_long_is_made_again(server: MysqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.sources.mysql.session._IDLE", 1)
    server.exporter_account()
    with Watch(mysql_options(server.dsn()), tmp_path / "state") as watch:
        assert is_right(watch)
        assert eventually(lambda: server.ours() == [], 10)
        assert is_right(watch)
