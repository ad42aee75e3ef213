"""The real mysqld_exporter (Debian's newest, 0.19) and ours, against the same live MariaDB and MySQL with load on it.

What each serves is compared as names, types and label names; what stands still is compared by value.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest

from mariadb import MariaDB, MysqlServer
from newest import MySQL
from pages import Page, read, reference
from servers import Child, free_port, get, tocsin, until
from tocsin.sources.mysql import SOURCE

PROGRAM = "prometheus-mysqld-exporter"

THEIRS_ALONE = {
    "go_": "runtime of the Go language",
    "process_": "about their process; ours has its own",
    "promhttp_": "metrics of the Go HTTP library",
    "mysqld_exporter_build_info": "about their program; ours has tocsin_build_info",
}
MARIADB_HAS_NONE = {
    "mysql_perf_schema_events_statements_latency": "MariaDB has no quantiles: theirs says 0, ours is absent",
    "mysql_perf_schema_events_statements_cpu_time_seconds_total": "MariaDB does not measure it: theirs says 0, ours is absent",
}
THEIR_COLLECTORS = {
    "connection": "ours keeps its connection, whose time is nobody's",
    "collect.info_schema.rocksdb_perf_context": "of MyRocks alone, and not in the contract",
}
OUR_COLLECTORS = {
    "collect.info_schema.innodb_trx": "open and waiting transactions, which theirs does not look at",
    "collect.database_size": "disk space, which theirs has table by table alone",
    "collect.schema": "changes of the schema",
    "collect.certificate": "what the server's certificate says",
    "collect.mysql.user.privileges": "a collector of its own with us, a flag of mysql.user with them",
}
FAIL_EVERYWHERE = {"collect.engine_tokudb_status": "a storage engine that is not there is no failure of ours"}
FAIL_ON_MARIADB = {
    "collect.perf_schema.replication_group_members": "MySQL's alone; no failure of ours on MariaDB",
    "collect.perf_schema.replication_group_member_stats": "MySQL's alone",
    "collect.perf_schema.replication_applier_status_by_worker": "MariaDB's has no such columns",
}


class Pages(NamedTuple):
    """Theirs, ours, and theirs again."""

    theirs: Page
    ours: Page
    later: Page


@dataclass(frozen=True)
class Kind:
    """A server that both look at: what it is started with, and where the two exporters differ on it."""

    server: type[MysqlServer]
    settings: dict[str, str | int]
    invented: dict[str, str]
    theirs_fail: dict[str, str]


_RESPONSE_TIME = {"plugin_load_add": "query_response_time", "query_response_time_stats": 1}
MARIADB = Kind(MariaDB, {"userstat": 1, **_RESPONSE_TIME}, MARIADB_HAS_NONE, FAIL_EVERYWHERE | FAIL_ON_MARIADB)
MYSQL = Kind(MySQL, {}, {}, FAIL_EVERYWHERE)


@pytest.fixture(scope="module", params=[MARIADB, pytest.param(MYSQL, marks=pytest.mark.newest)], ids=["mariadb", "mysql"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def server(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MysqlServer]:
    server = kind.server(tmp_path_factory.mktemp("compared"))
    server.start(performance_schema="ON", log_bin="bin", server_id=1, **kind.settings)
    server.exporter_account()
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    server.execute(
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80), total DECIMAL(9,2), KEY (email))",
        f"INSERT INTO shop.orders (email, total) {numbers} SELECT CONCAT('e', i), i FROM n",
        "CREATE TABLE shop.tiny (id TINYINT UNSIGNED AUTO_INCREMENT PRIMARY KEY) ENGINE=MyISAM COMMENT='quoted \"word\"'",
        "CREATE VIEW shop.dear AS SELECT * FROM shop.orders WHERE total > 100",
        "CREATE DATABASE heartbeat",
        "CREATE TABLE heartbeat.heartbeat (ts VARCHAR(26), server_id INT UNSIGNED PRIMARY KEY)",
        "INSERT INTO heartbeat.heartbeat VALUES (NOW(6), 1)",
        "CREATE USER 'od\"d'@'10.%' IDENTIFIED BY 'x' WITH MAX_QUERIES_PER_HOUR 5",
        "ANALYZE TABLE shop.orders",
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def load(server: MysqlServer) -> Iterator[None]:
    """Somebody works, somebody idles, and somebody has forgotten a transaction."""
    stop = Event()

    def work() -> None:
        with server.session(database="shop") as cursor:
            while not stop.wait(0.01):
                cursor.execute("UPDATE orders SET total = total + 1 WHERE email = 'e7'")
                cursor.execute("SELECT COUNT(*) FROM orders WHERE total > 5")

    worker = Thread(target=work)
    with server.session(database="shop", autocommit=False) as forgetful, server.session(user="exporter", password="x"):
        forgetful.execute("SELECT * FROM orders LIMIT 1")
        worker.start()
        yield
        stop.set()
        worker.join()


@pytest.fixture(scope="module")
def pages(server: MysqlServer, load: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    program = reference(PROGRAM)
    folder = tmp_path_factory.mktemp("pages")
    my_cnf = folder / "my.cnf"
    my_cnf.write_text(f"[client]\nuser=exporter\npassword=x\nhost=127.0.0.1\nport={server.port}\n")
    port = free_port()
    options = [f"--config.my-cnf={my_cnf}", f"--web.listen-address=127.0.0.1:{port}", *flags(program)]
    theirs = Child([str(program), *options], folder / "theirs.log")
    config = folder / "tocsin.yaml"
    names = ", ".join(f"{c.name}: true" for c in SOURCE.collectors)
    config.write_text(
        f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {folder}/state
targets:
  - {{name: compared, kind: mysql, my_cnf: {my_cnf}, collectors: {{{names}}}}}
"""
    )
    try:
        with tocsin(config, folder) as (url, _):
            until(lambda: get(f"http://127.0.0.1:{port}/metrics")[0] == 200)
            get(f"{url}/metrics")  # both have connections by now, and what they ask has been asked once
            before, ours, after = (get(f"{where}/metrics")[1] for where in (f"http://127.0.0.1:{port}", url, f"http://127.0.0.1:{port}"))
            without = tuple(THEIRS_ALONE)
            yield Pages(read(before, without), read(ours, ("tocsin_", *without)), read(after, without))
    finally:
        theirs.stop()


def flags(program: Path) -> list[str]:
    """Return the flags that switch on everything that theirs has."""
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    switches = re.findall(r"--(?:\[no-\])?(collect\.[\w.]+)(?=\s)", text.stdout + text.stderr)
    return [f"--{name}" for name in dict.fromkeys(switches) if name not in ("collect.heartbeat.utc",)]


def test_names_types_and_labels_are_the_same(kind: Kind, pages: Pages) -> None:
    theirs, ours, _ = pages
    assert len(theirs.shapes) > 800
    assert {shape for shape in theirs.shapes - ours.shapes if not shape.name.startswith(tuple(kind.invented))} == set()
    assert {value for (name, _), value in theirs.values.items() if name in kind.invented} <= {0}
    assert ours.shapes - theirs.shapes == set()


VOLATILE = ("mysql_exporter_collector_duration_seconds", "mysql_exporter_collector_success", "mysql_info_schema_processlist_")
"""What is different for good reasons between two looks: durations, and the states of connections."""


def test_the_same_series_are_there(pages: Pages) -> None:
    theirs, ours = ({key for key in page.values if not key[0].startswith(VOLATILE)} for page in pages[:2])
    # A statement, a file or a memory event that is first seen between the two looks is one that theirs could not have.
    late = ("mysql_perf_schema_", "mysql_sys_")
    assert {key for key in theirs - ours if not key[0].startswith(late)} == set()
    assert {key for key in ours - theirs if not key[0].startswith(late)} == set()
    assert len(theirs - ours) < 0.01 * len(theirs)
    assert len(ours - theirs) < 0.02 * len(theirs)


def test_collectors_are_the_same_and_fail_where_theirs_do_or_not_at_all(kind: Kind, pages: Pages) -> None:
    theirs, ours = (
        {dict(labels)["collector"]: value for (name, labels), value in page.values.items() if name == "mysql_exporter_collector_success"}
        for page in pages[:2]
    )
    own_clock = {"collect.schema", "collect.certificate"}
    assert (set(ours) - set(theirs)) | own_clock == set(OUR_COLLECTORS), "what has a clock of its own may not have run yet"
    assert set(theirs) - set(ours) == set(THEIR_COLLECTORS) - {"connection"}
    assert {name for name in ours if name in theirs and ours[name] != theirs[name]} == set(kind.theirs_fail)
    assert all(value == 1 for value in ours.values())


STABLE = (
    "mysql_up", "mysql_global_variables_", "mysql_version_info", "mysql_transaction_isolation", "mysql_galera_",
    "mysql_binlog_file", "mysql_heartbeat_stored", "mysql_mysql_", "mysql_info_schema_table_", "mysql_info_schema_auto_increment",
    "mysql_info_schema_innodb_cmp",
    "mysql_info_schema_innodb_tablespace", "mysql_info_schema_processlist_processes_by",
    "mysql_global_status_innodb_page_size",
)  # fmt: skip
DIFFERENT_VALUES = {
    "mysql_global_variables_timestamp": "the time",
    "mysql_info_schema_table_statistics_rows_read_total": "the load reads on",
    "mysql_info_schema_table_statistics_rows_changed_total": "the load changes on",
    "mysql_info_schema_table_statistics_rows_changed_x_indexes_total": "the load changes on",
    "mysql_info_schema_processlist_processes_by_user": "each sees the other's connections and not its own",
    "mysql_info_schema_processlist_processes_by_host": "each sees the other's connections and not its own",
}


def test_what_stands_still_has_the_same_value(pages: Pages) -> None:
    theirs, ours, _ = pages
    compared = {key: value for key, value in theirs.values.items() if key[0].startswith(STABLE) and key[0] not in DIFFERENT_VALUES}
    assert len(compared) > 700
    different = {
        (name, tuple(sorted(labels))): (value, ours.values.get((name, labels)))
        for (name, labels), value in compared.items()
        if ours.values.get((name, labels)) != pytest.approx(value, rel=1e-9)
    }
    assert different == {}


def test_what_grows_is_between_what_theirs_says_before_and_after(pages: Pages) -> None:
    growing = ("mysql_global_status_commands", "mysql_perf_schema_table_io", "mysql_perf_schema_events_statements_")
    compared = [key for key, value in pages.theirs.values.items() if key[0].startswith(growing) and value > 100 and "latency" not in key[0]]
    assert len(compared) > 10
    before, ours, after = (page.values for page in (pages.theirs, pages.ours, pages.later))
    assert {key for key in compared if not before[key] <= ours.get(key, 0) <= after[key]} == set()


def test_the_exporter_compared_with_is_the_one_the_contract_speaks_of() -> None:
    version = subprocess.run([reference(PROGRAM), "--version"], capture_output=True, text=True, check=True)
    assert re.search(r"version 0\.(19|20)", version.stdout + version.stderr), "a newer release: compare its series with the contract"
