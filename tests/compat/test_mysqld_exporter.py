"""The real mysqld_exporter (Debian's newest, 0.19) and ours, against the same live MariaDB with load on it.

What each serves is compared as names, types and label names; what stands still is compared by value.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest

from mariadb import MariaDB
from servers import ROOT, Child, free_port, get, tocsin, until
from tocsin.sources.mysql import SOURCE
from tools import lacking

EXPORTER = ROOT / ".cache" / "bin" / "prometheus-mysqld-exporter"

THEIRS_ALONE = {
    "go_": "runtime of the Go language",
    "process_": "about their process; ours has its own",
    "promhttp_": "metrics of the Go HTTP library",
    "mysqld_exporter_build_info": "about their program; ours has tocsin_build_info",
}
INVENTED = {
    "mysql_perf_schema_events_statements_latency": "MariaDB has no quantiles: theirs says 0, ours is absent",
    "mysql_perf_schema_events_statements_cpu_time_seconds_total": "MariaDB does not measure it: theirs says 0, ours is absent",
}
THEIR_COLLECTORS = {
    "connection": "ours keeps its connection, whose time is nobody's",
    "collect.info_schema.rocksdb_perf_context": "of MyRocks alone, and not in the contract",
}
OUR_COLLECTORS = {
    "collect.info_schema.innodb_trx": "open and waiting transactions, which theirs does not look at",
    "collect.mysql.user.privileges": "a collector of its own with us, a flag of mysql.user with them",
}
THEIRS_FAIL = {
    "collect.engine_tokudb_status": "a storage engine that is not there is no failure of ours",
    "collect.perf_schema.replication_group_members": "MySQL's alone; no failure of ours on MariaDB",
    "collect.perf_schema.replication_group_member_stats": "MySQL's alone",
    "collect.perf_schema.replication_applier_status_by_worker": "MariaDB's has no such columns",
}


class Shape(NamedTuple):
    """What a dashboard can see of a series: its name, its type and its label names."""

    name: str
    type: str
    labels: frozenset[str]


Series = tuple[str, frozenset[tuple[str, str]]]


class Page(NamedTuple):
    shapes: set[Shape]
    values: dict[Series, float]


_LINE = re.compile(r"([\w:]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read(text: str) -> Page:
    """Read a page as it stands: prometheus_client's parser would rename counters that have no `_total`."""
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE ")}
    shapes: set[Shape] = set()
    values: dict[Series, float] = {}
    for line in text.splitlines():
        if line.startswith(("#", "tocsin_", *THEIRS_ALONE)):
            continue
        match = _LINE.fullmatch(line)
        assert match is not None, line
        name = match[1]
        base = name if name in types else re.sub(r"_(bucket|sum|count)$", "", name)
        labels = {k: _bound(v) if k == "le" else v for k, v in _LABEL.findall(match[2] or "") if k != "instance"}
        shapes.add(Shape(name, types[base], frozenset(labels)))
        assert (name, frozenset(labels.items())) not in values, line
        values[name, frozenset(labels.items())] = float(match[3])
    return Page(shapes, values)


def _bound(text: str) -> str:
    """Bounds are numbers: theirs is 1e+06 where ours is 1000000."""
    return str(float(text))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path_factory.mktemp("compared"))
    server.start(
        performance_schema="ON", log_bin="bin", server_id=1, userstat=1, plugin_load_add="query_response_time", query_response_time_stats=1
    )
    server.exporter_account()
    server.execute(
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80), total DECIMAL(9,2), KEY (email))",
        "INSERT INTO shop.orders (email, total) SELECT CONCAT('e', seq), seq FROM shop.seq_1_to_2000",
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
def load(server: MariaDB) -> Iterator[None]:
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
def pages(server: MariaDB, load: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Page]]:
    if not os.access(EXPORTER, os.X_OK):
        lacking("mysqld_exporter is not in .cache/bin; tests/install_peers.sh fetches it")
    folder = tmp_path_factory.mktemp("pages")
    my_cnf = folder / "my.cnf"
    my_cnf.write_text(f"[client]\nuser=exporter\npassword=x\nhost=127.0.0.1\nport={server.port}\n")
    port = free_port()
    theirs = Child([str(EXPORTER), f"--config.my-cnf={my_cnf}", f"--web.listen-address=127.0.0.1:{port}", *flags()], folder / "theirs.log")
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
            yield read(get(f"http://127.0.0.1:{port}/metrics")[1]), read(get(f"{url}/metrics")[1])
    finally:
        theirs.stop()


def flags() -> list[str]:
    """Return the flags that switch on everything that theirs has."""
    text = subprocess.run([EXPORTER, "--help"], capture_output=True, text=True, check=True)
    switches = re.findall(r"--(?:\[no-\])?(collect\.[\w.]+)(?=\s)", text.stdout + text.stderr)
    return [f"--{name}" for name in dict.fromkeys(switches) if name not in ("collect.heartbeat.utc",)]


def test_names_types_and_labels_are_the_same(pages: tuple[Page, Page]) -> None:
    theirs, ours = pages
    assert len(theirs.shapes) > 1000
    assert {shape for shape in theirs.shapes - ours.shapes if not shape.name.startswith(tuple(INVENTED))} == set()
    assert {value for (name, _), value in theirs.values.items() if name in INVENTED} == {0}
    assert ours.shapes - theirs.shapes == set()


VOLATILE = ("mysql_exporter_collector_duration_seconds", "mysql_exporter_collector_success", "mysql_info_schema_processlist_")
"""What is different for good reasons between two looks: durations, and the states of connections."""


def test_the_same_series_are_there(pages: tuple[Page, Page]) -> None:
    theirs, ours = ({key for key in page.values if not key[0].startswith(VOLATILE)} for page in pages)
    # A statement, a file or a memory event that is first seen between the two looks is one that theirs could not have.
    late = ("mysql_perf_schema_", "mysql_sys_")
    assert {key for key in theirs - ours if not key[0].startswith(late)} == set()
    assert {key for key in ours - theirs if not key[0].startswith(late)} == set()
    assert len(theirs - ours) < 0.01 * len(theirs)
    assert len(ours - theirs) < 0.02 * len(theirs)


def test_collectors_are_the_same_and_fail_where_theirs_do_or_not_at_all(pages: tuple[Page, Page]) -> None:
    theirs, ours = (
        {dict(labels)["collector"]: value for (name, labels), value in page.values.items() if name == "mysql_exporter_collector_success"}
        for page in pages
    )
    assert set(ours) - set(theirs) == set(OUR_COLLECTORS)
    assert set(theirs) - set(ours) == set(THEIR_COLLECTORS) - {"connection"}
    assert {name for name in ours if name in theirs and ours[name] != theirs[name]} == set(THEIRS_FAIL)
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


def test_what_stands_still_has_the_same_value(pages: tuple[Page, Page]) -> None:
    theirs, ours = pages
    compared = {key: value for key, value in theirs.values.items() if key[0].startswith(STABLE) and key[0] not in DIFFERENT_VALUES}
    assert len(compared) > 700
    different = {
        (name, tuple(sorted(labels))): (value, ours.values.get((name, labels)))
        for (name, labels), value in compared.items()
        if ours.values.get((name, labels)) != pytest.approx(value, rel=1e-9)
    }
    assert different == {}


def test_what_grows_is_near(pages: tuple[Page, Page]) -> None:
    theirs, ours = pages
    growing = ("mysql_global_status_commands", "mysql_perf_schema_table_io", "mysql_perf_schema_events_statements_")
    compared = {key: value for key, value in theirs.values.items() if key[0].startswith(growing) and value > 100}
    far = {key for key, value in compared.items() if not value * 0.5 <= ours.values.get(key, 0) <= value * 2}
    assert len(compared) > 10
    assert len(far) <= len(compared) * 0.05


def test_the_exporter_compared_with_is_the_one_the_contract_speaks_of(tmp_path: Path) -> None:
    if not os.access(EXPORTER, os.X_OK):
        lacking("mysqld_exporter is not in .cache/bin; tests/install_peers.sh fetches it")
    version = subprocess.run([EXPORTER, "--version"], capture_output=True, text=True, check=True)
    assert re.search(r"version 0\.(19|20)", version.stdout + version.stderr), "a newer release: compare its series with the contract"
