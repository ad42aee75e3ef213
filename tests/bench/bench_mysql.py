"""What a scrape of 2,000 tables costs, every optional collector on: beside mysqld_exporter in the same run, as ratios."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mariadb import MariaDB
from servers import ROOT, Child, free_port, get, tocsin, until
from tocsin.sources.mysql import SOURCE
from tools import lacking

EXPORTER = ROOT / ".cache" / "bin" / "prometheus-mysqld-exporter"
TABLES, ROUNDS = 2000, 12
LEFT_OUT = ("heartbeat", "engine_tokudb_status")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path_factory.mktemp("large"))
    server.start(
        performance_schema="ON", userstat=1, log_bin="bin", server_id=1, table_open_cache=8000, table_definition_cache=8000,
        performance_schema_max_table_instances=4000, performance_schema_max_table_handles=8000, open_files_limit=20000,
        innodb_file_per_table=0,
    )  # fmt: skip
    server.exporter_account()
    server.execute("CREATE DATABASE shop")
    with server.session(database="shop") as cursor:
        cursor.execute("SET sql_log_bin = 0")
        for i in range(TABLES):
            cursor.execute(f"CREATE TABLE table_{i:04d} (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(40), KEY (email))")
            cursor.execute(f"INSERT INTO table_{i:04d} (email) VALUES ('a'), ('b')")
            cursor.execute(f"SELECT COUNT(*) FROM table_{i:04d} WHERE email = 'a'")
    yield server
    server.stop()


def scrape(url: str) -> tuple[float, bytes]:
    """Return how long a scrape took, and its page."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": "30"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=40) as answer:
        body = answer.read()
    return time.perf_counter() - began, gzip.decompress(body)


def cpu(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def test_two_thousand_tables_beside_mysqld_exporter(server: MariaDB, tmp_path: Path) -> None:
    if not os.access(EXPORTER, os.X_OK):
        lacking("mysqld_exporter is not in .cache/bin; tests/install_peers.sh fetches it")
    my_cnf = tmp_path / "my.cnf"
    my_cnf.write_text(f"[client]\nuser=exporter\npassword=x\nhost=127.0.0.1\nport={server.port}\n")
    port = free_port()
    text = subprocess.run([EXPORTER, "--help"], capture_output=True, text=True, check=True)
    has = set(re.findall(r"--(?:\[no-\])?collect\.([\w.]+)(?=\s)", text.stdout + text.stderr))
    names = [c.name for c in SOURCE.collectors if c.name in has and c.name not in LEFT_OUT]
    flags = [f"--collect.{name}" for name in names]
    theirs = Child([str(EXPORTER), f"--config.my-cnf={my_cnf}", f"--web.listen-address=127.0.0.1:{port}", *flags], tmp_path / "theirs.log")
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\ntargets:\n'
        f"  - {{name: large, kind: mysql, my_cnf: {my_cnf}, collectors: {{{', '.join(f'{n}: true' for n in names)}}}}}\n"
    )
    try:
        with tocsin(config, tmp_path) as (url, ours):
            pages = {"ours": f"{url}/metrics", "theirs": f"http://127.0.0.1:{port}/metrics"}
            until(lambda: get(pages["theirs"])[0] == 200)
            processes = {"ours": psutil.Process(ours.process.pid), "theirs": psutil.Process(theirs.process.pid)}
            walls: dict[str, list[float]] = {"ours": [], "theirs": []}
            costs: dict[str, list[float]] = {"ours": [], "theirs": []}
            sizes: dict[str, int] = {}
            for _ in range(ROUNDS):
                for who in ("ours", "theirs"):
                    before = cpu(processes[who])
                    wall, page = scrape(pages[who])
                    walls[who].append(wall)
                    costs[who].append(cpu(processes[who]) - before)
                    sizes[who] = len(re.findall(rb"^mysql_", page, re.MULTILINE))
            memory = {who: process.memory_info().rss / 2**20 for who, process in processes.items()}
    finally:
        theirs.stop()
    wall = {who: sorted(times)[ROUNDS // 2] for who, times in walls.items()}
    cost = {who: sum(times[2:]) / len(times[2:]) for who, times in costs.items()}
    print(f"\n{TABLES} tables: series {sizes['ours']} ours, {sizes['theirs']} theirs")
    for name, found in (("CPU", cost), ("wall", wall)):
        ours_ms, theirs_ms = found["ours"] * 1e3, found["theirs"] * 1e3
        print(f"{name} {ours_ms:.0f} ms ours, {theirs_ms:.0f} ms theirs: {ours_ms / theirs_ms:.2f} of theirs (0.5)")
    print(f"best wall {min(walls['ours']) * 1e3:.0f} ms ours, {min(walls['theirs']) * 1e3:.0f} ms theirs")
    print(f"resident {memory['ours']:.0f} MiB ours, {memory['theirs']:.0f} MiB theirs")
    # Theirs has six series of zeros for each of 250 statements, which MariaDB does not measure.
    assert sizes["ours"] >= sizes["theirs"] - 6 * 250 - 20
    assert cost["ours"] / cost["theirs"] <= 0.5
    assert wall["ours"] / wall["theirs"] <= 0.5
