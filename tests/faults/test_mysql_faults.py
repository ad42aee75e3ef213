"""A MariaDB that fails in every way: the scrape ends in time, says why, harms nobody, and is right again without a restart."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mariadb import MariaDB, mysql_options
from tocsin.sources.mysql import SOURCE
from watching import Page, Watch, eventually

EVERYTHING = {c.name: c.name != "heartbeat" for c in SOURCE.collectors}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path_factory.mktemp("faulty"))
    server.start(performance_schema="ON", max_connections=12, extra_port=0)
    server.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, total INT)")
    yield server
    server.stop()


@pytest.fixture
def watch(server: MariaDB, tmp_path: Path) -> Iterator[Watch]:
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


def test_wrong_password_is_told_and_the_changed_one_read_from_its_file(server: MariaDB, tmp_path: Path) -> None:
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


def test_unknown_account_is_told(server: MariaDB, tmp_path: Path) -> None:
    with Watch(mysql_options(f"mysql://nobody:geheim@127.0.0.1:{server.port}/"), tmp_path / "state") as watch:
        assert failing(watch.scrape()) == "auth"


def test_stopped_and_started_server_is_down_and_up_again(watch: Watch, server: MariaDB) -> None:
    assert is_right(watch)
    server.stop()
    page = watch.scrape(3)
    assert failing(page) == "connect"
    assert page.all("mysql_global_status_uptime") == []
    server.start(performance_schema="ON", max_connections=12)
    assert is_right(watch)


def test_restart_between_two_scrapes_is_not_seen(watch: Watch, server: MariaDB) -> None:
    assert is_right(watch)
    server.stop()
    server.start(performance_schema="ON", max_connections=12)
    assert is_right(watch)


def test_killed_server_is_down_and_up_again(watch: Watch, server: MariaDB) -> None:
    assert is_right(watch)
    server.kill()
    assert failing(watch.scrape(3)) == "connect"
    server.start(performance_schema="ON", max_connections=12)
    assert is_right(watch)


@pytest.mark.parametrize("connected", [True, False])
def test_frozen_server_costs_no_more_than_the_deadline(watch: Watch, server: MariaDB, connected: bool) -> None:
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


def test_server_that_freezes_in_the_middle_of_a_scrape_costs_no_more_than_the_deadline(watch: Watch, server: MariaDB) -> None:
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


def test_full_server_is_told_and_forgotten_when_there_is_room(server: MariaDB, tmp_path: Path) -> None:
    server.exporter_account()
    with Watch(mysql_options(server.dsn()), tmp_path / "state") as watch:
        with ExitStack() as stack:
            for _ in range(13):  # one more than max_connections is kept for root
                stack.enter_context(server.session())
            page = watch.scrape(3)
            assert failing(page) == "connect"
            assert "Too many connections" in str(watch.target.error)
        assert eventually(lambda: is_right(watch))


def test_own_connection_survives_a_full_server(watch: Watch, server: MariaDB) -> None:
    assert is_right(watch)
    with ExitStack() as stack:
        for _ in range(11):
            stack.enter_context(server.session())
        page = watch.scrape(3)
        assert page.value("mysql_up") == 1
        assert page.value("mysql_global_status_threads_connected") == 12
        assert page.value("mysql_global_variables_max_connections") == 12


@contextmanager
def held(server: MariaDB, *statements: str) -> Iterator[None]:
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
def test_locked_tables_are_read_all_the_same(watch: Watch, server: MariaDB, statements: list[str]) -> None:
    with held(server, *statements):
        page = watch.scrape(5)
        assert page.value("mysql_up") == 1
        assert {labels["collector"] for labels, value in page.all("tocsin_collector_success") if value == 0} == set()
        assert page.value("mysql_global_status_threads_connected") is not None


def test_alter_that_waits_for_a_lock_waits_not_for_us(watch: Watch, server: MariaDB) -> None:
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


def test_slow_statement_is_stopped_on_the_server_and_spoils_no_other(server: MariaDB, tmp_path: Path) -> None:
    from tocsin.sql import OwnMetric, OwnQuery

    server.exporter_account()
    slow = OwnQuery(name="slow", sql="SELECT SLEEP(60) AS n", metrics={"n": OwnMetric(name="shop_slow", help="Slow.")})
    after = OwnQuery(name="after", sql="SELECT 7 AS n", metrics={"n": OwnMetric(name="shop_after", help="After.")})
    with Watch(mysql_options(server.dsn(), queries=(slow, after)), tmp_path / "state") as watch:
        page = watch.scrape(3)
        assert failing(page) is None
        assert page.value("tocsin_collector_failing", collector="mysql.slow", reason="timeout") == 1
        assert page.value("shop_after") == 7
        assert server.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'") == [(0,)]


def test_statement_that_the_server_does_not_limit_is_killed_by_us(server: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.sources.mysql.session import Connection
    from tocsin.sql import OwnMetric, OwnQuery

    server.exporter_account()
    limit = Connection.limit

    def without(self: Connection, deadline: float) -> None:
        limit(self, deadline)  # as on MySQL, whose own limit is for SELECT only
        self.query("SET SESSION max_statement_time = 0", deadline)

    monkeypatch.setattr(Connection, "limit", without)
    slow = OwnQuery(name="slow", sql="SELECT SLEEP(60) AS n", metrics={"n": OwnMetric(name="shop_slow", help="Slow.")})
    after = OwnQuery(name="after", sql="SELECT 7 AS n", metrics={"n": OwnMetric(name="shop_after", help="After.")})
    with Watch(mysql_options(server.dsn(), queries=(slow, after)), tmp_path / "state") as watch:
        page = watch.scrape(3)
        assert failing(page) is None
        assert page.value("tocsin_collector_failing", collector="mysql.slow", reason="timeout") == 1
        assert server.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'") == [(0,)]
        assert page.value("shop_after") == 7
        assert len(server.ours()) == 1


@pytest.mark.parametrize(
    ("grants", "collector", "missing"),
    [
        ("", "info_schema.innodb_trx", "PROCESS"),
        ("", "slave_status", "SLAVE MONITOR"),
        ("PROCESS, SLAVE MONITOR", "binlog_size", "BINLOG MONITOR"),
        ("PROCESS, SLAVE MONITOR", "mysql.user", "SELECT"),
        ("PROCESS, SLAVE MONITOR", "perf_schema.eventswaits", "SELECT"),
    ],
)
def test_missing_privilege_is_named_and_the_rest_works(server: MariaDB, tmp_path: Path, grants: str, collector: str, missing: str) -> None:
    server.exporter_account(grants=grants)
    if collector == "binlog_size":
        server.execute("SET GLOBAL read_only = 0")
    with Watch(mysql_options(server.dsn(), collectors=EVERYTHING), tmp_path / "state") as watch:
        page = watch.scrape()
        assert failing(page) is None
        assert page.value("mysql_global_status_uptime") is not None
        if collector != "binlog_size":  # this server keeps no binary log, so that nothing is asked
            assert page.value("tocsin_collector_failing", collector=f"mysql.{collector}", reason="permission") == 1
            assert f"GRANT {missing} ON" in str(watch.record(collector).error)
        reasons = {labels["reason"] for labels, _ in page.all("tocsin_collector_failing")}
        assert reasons <= {"permission"}


def test_connection_that_was_killed_is_made_again(watch: Watch, server: MariaDB) -> None:
    assert is_right(watch)
    (thread,) = server.ours()
    server.execute(f"KILL {thread}")
    assert is_right(watch)
    assert server.ours() != [thread]


def test_connection_that_idled_too_long_is_made_again(server: MariaDB, tmp_path: Path) -> None:
    server.exporter_account()
    server.execute("SET GLOBAL wait_timeout = 1")
    try:
        with Watch(mysql_options(server.dsn()), tmp_path / "state") as watch:
            assert is_right(watch)
            assert eventually(lambda: server.ours() == [], 10)
            assert is_right(watch)
    finally:
        server.execute("SET GLOBAL wait_timeout = DEFAULT")
