"""Servers of MySQL's family, watched: MariaDB, and MySQL 9 with the mark `newest`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mariadb import MysqlServer, mysql_options
from tocsin.sources.mysql import SOURCE
from watching import Watch


@pytest.fixture
def server(each_mysql: MysqlServer) -> MysqlServer:
    """One server after the other."""
    return each_mysql


@pytest.fixture
def watch(server: MysqlServer, tmp_path: Path) -> Iterator[Watch]:
    with Watch(mysql_options(server.dsn()), tmp_path / "state") as found:
        yield found


@pytest.fixture
def watch_all(server: MysqlServer, tmp_path: Path) -> Iterator[Watch]:
    with Watch(mysql_options(server.dsn(), collectors={c.name: True for c in SOURCE.collectors}), tmp_path / "state") as found:
        yield found


@pytest.fixture
def shop(server: MysqlServer) -> Iterator[str]:
    """A database with a table that has been used."""
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    server.execute(
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80), KEY (email))",
        f"INSERT INTO shop.orders (email) {numbers} SELECT CONCAT('e', i) FROM n",
    )
    server.execute("SELECT COUNT(*) FROM orders WHERE email LIKE 'e1%'", database="shop")
    server.execute("CREATE DATABASE heartbeat", "CREATE TABLE heartbeat.heartbeat (ts VARCHAR(26), server_id INT PRIMARY KEY)")
    server.execute("INSERT INTO heartbeat.heartbeat VALUES (NOW(6) - INTERVAL 7 SECOND, 9)")
    yield "shop"
    server.execute("DROP DATABASE shop", "DROP DATABASE heartbeat")
