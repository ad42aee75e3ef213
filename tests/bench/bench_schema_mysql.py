"""What watching the schema of 5,000 tables costs MariaDB and us, beside `mariadb-dump --no-data` in the same run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mariadb import MariaDB, mysql_options
from tocsin.options import DatabaseFilter
from tocsin.sources.mysql.gate import evidence
from tocsin.sources.mysql.inspect import inspect
from tocsin.sources.mysql.session import Connection
from watching import Watch, said

TABLES = 5000
COLUMNS = (
    "id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL DEFAULT 5, b VARCHAR(40), c DATETIME, d DECIMAL(10,2), e TEXT, f VARCHAR(30),"
    " g BIGINT, h INT, i DATE"
)
CACHES = {"as they come": {}, "with room for every table": {"table_open_cache": 12000, "table_definition_cache": 12000}}
"""MariaDB opens a table to say what its indexes are like; whether it is open already is most of what a full inspection costs."""


@pytest.fixture(scope="module", params=list(CACHES))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    caches: dict[str, int] = CACHES[request.param]
    server = MariaDB(tmp_path_factory.mktemp("large")).start(innodb_file_per_table=0, open_files_limit=40000, **caches)
    server.exporter_account(grants="SELECT, SHOW VIEW, TRIGGER, EVENT, PROCESS")
    server.execute("CREATE DATABASE shop")
    with server.session(database="shop") as cursor:
        for i in range(TABLES):
            cursor.execute(f"CREATE TABLE table_{i:04d} ({COLUMNS}, KEY (b), UNIQUE KEY (f, g))")
    time.sleep(3)
    yield server
    server.stop()


def best(of: int, do: Callable[[], object]) -> float:
    times = []
    for _ in range(of):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    return min(times)


def test_five_thousand_tables_beside_mariadb_dump(server: MariaDB, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    dump = ["mariadb-dump", "--no-data", "--skip-lock-tables", "-u", "root", "-S", str(server.socket), "shop"]
    connection = Connection(mysql_options(server.dsn()), time.monotonic() + 60)
    options = mysql_options(server.dsn(), databases=DatabaseFilter(include=("^shop$",)))
    try:
        theirs = best(3, lambda: subprocess.run(dump, check=True, stdout=subprocess.DEVNULL, timeout=120))
        full = best(3, lambda: inspect(connection, "shop", time.monotonic() + 120))
        gate = best(20, lambda: evidence(connection, time.monotonic() + 10))
        with Watch(options, tmp_path / "state") as watch:
            assert watch.check(120) == []
            unchanged = best(10, lambda: watch.check(60))
            server.execute("ALTER TABLE shop.table_2500 ADD COLUMN late INT")
            began = time.perf_counter()
            assert said(watch.check(60)) == ["column table_2500.late added safe"]
            changed = time.perf_counter() - began
    finally:
        connection.close()
    print(f"\n{TABLES} tables, caches {request.node.callspec.params['server']}")
    print(f"full inspection {full:.2f} s, mariadb-dump {theirs:.2f} s: {full / theirs:.2f} of it")
    print(f"gate {gate * 1e3:.1f} ms, unchanged check {unchanged * 1e3:.1f} ms, one changed table told after {changed * 1e3:.0f} ms")
    assert unchanged < 0.05
    assert changed < full
