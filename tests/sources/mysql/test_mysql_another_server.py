"""Another server at the address of one that was found: a container that was made anew, with nothing of the old one's data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mariadb import MariaDB, MysqlServer, mysql_options
from newest import MySQL
from tocsin.config import Config
from watching import Watch


@pytest.fixture(params=[MariaDB, pytest.param(MySQL, marks=pytest.mark.newest)])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MysqlServer]:
    """A server that the test may make into another one."""
    made: MysqlServer = request.param(tmp_path / "server").start()
    made.exporter_account()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("found", [True, False])
def test_another_server_is_a_new_baseline_where_it_says_so_and_nobody_named_it(own: MysqlServer, tmp_path: Path, found: bool) -> None:
    own.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id int)")
    options = mysql_options(own.dsn(), ssl_mode="required" if isinstance(own, MySQL) else "")
    with Watch(options, tmp_path / "state") as watch:
        watch.scheduler.apply(Config(state_dir=watch.state, targets=(options,)), {"my": None} if found else {})
        assert watch.check() == []
        own.execute("DROP DATABASE shop", "CREATE DATABASE other", "CREATE TABLE other.things (id int)")
        own.stop()
        (own.data / "auto.cnf").unlink(missing_ok=True)  # where MySQL keeps its number: it makes itself another one
        own.start()
        told = [(event.object_kind, event.change) for event in watch.check() if event.object_kind != "grant"]
        if found and isinstance(own, MySQL):
            assert told == [("server", "rebaselined")]
        else:
            assert ("database", "dropped") in told
        own.execute("ALTER TABLE other.things ADD COLUMN more int")
        assert ("column", "added") in [(event.object_kind, event.change) for event in watch.check()]


def test_the_same_server_started_again_is_the_same(own: MysqlServer, tmp_path: Path) -> None:
    own.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id int)")
    options = mysql_options(own.dsn(), ssl_mode="required" if isinstance(own, MySQL) else "")
    with Watch(options, tmp_path / "state") as watch:
        watch.scheduler.apply(Config(state_dir=watch.state, targets=(options,)), {"my": None})
        watch.check()
        own.stop()
        own.start()
        own.execute("DROP TABLE shop.orders")
        assert [(event.object_kind, event.change) for event in watch.check()] == [("table", "dropped")]
