"""The user that `tocsin grants mysql` makes suffices for every collector that is on by default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mariadb import MariaDB, MysqlServer
from newest import MySQL
from tocsin import config, once
from tocsin.sources.mysql.config import GRANTS


@pytest.fixture(scope="module", params=[MariaDB, pytest.param(MySQL, marks=pytest.mark.newest)], ids=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MysqlServer]:
    server: MysqlServer = request.param(tmp_path_factory.mktemp("grants")).start()
    yield server
    server.stop()


def for_mysql(grants: str) -> list[str]:
    """Return the statements of the text."""
    return [line for line in grants.splitlines() if not line.startswith("--")]


def for_mariadb(grants: str) -> list[str]:
    """Return the statements that the text's comments give for MariaDB."""
    mysql, _, rest = grants.partition("-- MariaDB")
    create = next(line for line in mysql.splitlines() if line.startswith("CREATE USER"))
    return [create, *(line.removeprefix("-- ") for line in rest.splitlines()[1:3])]


def test_granted_user_suffices(server: MysqlServer, tmp_path: Path) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        for statement in for_mariadb(GRANTS) if isinstance(server, MariaDB) else for_mysql(GRANTS):
            cursor.execute(statement.replace("choose one", "s3cret"))
    text = f"targets: [{{name: shop, kind: mysql, dsn: 'mysql://tocsin:s3cret@127.0.0.1:{server.port}/'}}]"
    (report,) = once.check(config.parse(text, "tocsin.yaml", tmp_path, {}), 10)
    assert report.good, report.line
