"""Servers that tests share: one of each kind a session, started when first asked for.

Tests of those whose names begin with `newest` carry the mark of that name, which `make test-all` runs.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mariadb import MariaDB, MysqlServer
from newest import MySQL, NewestPostgres
from servers import Postgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres")).start(max_connections=50)
    yield server
    server.stop("immediate")


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """A database of the test's own."""
    name = f"t_{uuid.uuid4().hex[:10]}"
    postgres.execute(f"CREATE DATABASE {name}")
    yield name
    postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path_factory.mktemp("mariadb"))
    server.start(performance_schema="ON", log_bin="bin", server_id=1, userstat=1, max_connections=50)
    server.exporter_account()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def newest_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewestPostgres]:
    server = NewestPostgres(tmp_path_factory.mktemp("postgres"))
    server.start(max_connections=50)
    yield server
    server.stop("immediate")


@pytest.fixture(scope="session")
def newest_mysql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySQL]:
    server = MySQL(tmp_path_factory.mktemp("mysql")).start(max_connections=50)
    server.exporter_account()
    yield server
    server.stop()


@pytest.fixture(params=["mariadb", pytest.param("newest_mysql", marks=pytest.mark.newest)])
def each_mysql(request: pytest.FixtureRequest) -> MysqlServer:
    """One server of MySQL's family after the other."""
    found: MysqlServer = request.getfixturevalue(request.param)
    return found
