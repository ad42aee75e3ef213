"""What a scrape of PostgreSQL costs, beside the real postgres_exporter in the same run."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from servers import ROOT, Child, Postgres, free_port, get, tocsin, until
from tools import lacking

EXPORTER = ROOT / ".cache" / "bin" / "prometheus-postgres-exporter"


class Cost(NamedTuple):
    wall: float
    cpu: float
    resident: int
    body: int


def scrape(url: str) -> int:
    request = urllib.request.Request(f"{url}/metrics", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(answer.read())


def cost(url: str, pid: int, scrapes: int) -> Cost:
    """Return the shortest wall time, the average CPU time, and the resident memory after some scrapes."""
    process = psutil.Process(pid)
    size = scrape(url)
    before, times = sum(process.cpu_times()[:2]), []
    for _ in range(scrapes):
        began = time.perf_counter()
        scrape(url)
        times.append(time.perf_counter() - began)
    return Cost(min(times), (sum(process.cpu_times()[:2]) - before) / scrapes, process.memory_info().rss, size)


@contextmanager
def both(
    server: Postgres, folder: Path, users: tuple[str, str] = ("postgres", "postgres")
) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """Give address and process of postgres_exporter and of ours, watching the same server as these users."""
    if not os.access(EXPORTER, os.X_OK):
        lacking("postgres_exporter is not in .cache/bin; tests/install_peers.sh fetches it")
    port = free_port()
    dsn = server.dsn(user=users[0]) + "?sslmode=disable"
    theirs = Child([str(EXPORTER), f"--web.listen-address=127.0.0.1:{port}"], folder / "theirs.log", {"DATA_SOURCE_NAME": dsn})
    config = folder / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {folder}/state\n'
        f"targets: [{{name: bench, kind: postgres, dsn: '{server.dsn(user=users[1])}', collectors: {{schema: false}}}}]\n"
    )
    try:
        with tocsin(config, folder) as (url, child):
            until(lambda: get(f"http://127.0.0.1:{port}/metrics")[0] == 200, 60)
            yield (f"http://127.0.0.1:{port}", theirs.process.pid), (url, child.process.pid)
    finally:
        theirs.stop()


def compare(title: str, theirs: Cost, ours: Cost) -> None:
    print(
        f"\n{title}: postgres_exporter {theirs.wall * 1e3:.0f} ms, {theirs.cpu * 1e3:.1f} ms CPU, {theirs.resident / 2**20:.0f} MiB;",
        end=" ",
    )
    print(f"ours {ours.wall * 1e3:.0f} ms, {ours.cpu * 1e3:.1f} ms CPU, {ours.resident / 2**20:.0f} MiB")
    print(f"ratios: wall {ours.wall / theirs.wall:.2f}, CPU {ours.cpu / theirs.cpu:.2f}, memory {ours.resident / theirs.resident:.2f}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres").start(max_connections=100)
    yield server
    server.stop("immediate")


def test_two_thousand_tables(server: Postgres, tmp_path: Path) -> None:
    server.execute("DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text)', i); END LOOP; END $$")
    with both(server, tmp_path) as (theirs, ours):
        rounds = [(cost(*theirs, 5), cost(*ours, 5)) for _ in range(3)]
    best = [min((r[i] for r in rounds), key=lambda c: c.wall) for i in (0, 1)]
    compare("one database of 2,000 tables", *best)
    assert best[1].cpu / best[0].cpu <= 0.2
    assert best[1].wall / best[0].wall <= 0.4
    assert best[1].resident <= best[0].resident


def test_small_database(server: Postgres, tmp_path: Path) -> None:
    with both(server, tmp_path) as (theirs, ours):
        rounds = [(cost(*theirs, 20), cost(*ours, 20)) for _ in range(3)]
    best = [min((r[i] for r in rounds), key=lambda c: c.wall) for i in (0, 1)]
    compare("a small database", *best)
    assert best[1].wall <= best[0].wall


class Burden(NamedTuple):
    """What one scrape costs the server, on average, by pg_stat_statements."""

    statements: float
    rows: float
    seconds: float
    blocks: float


def burden(server: Postgres, role: str, url: str, scrapes: int) -> Burden:
    """Scrape some times and return what the role's statements cost meanwhile; everybody is connected already."""
    scrape(url)
    server.execute("SELECT pg_stat_statements_reset()")
    for _ in range(scrapes):
        scrape(url)
    ((*found,),) = server.execute(
        "SELECT sum(calls)::float8, sum(rows)::float8, sum(total_exec_time)::float8 / 1000, "
        "sum(shared_blks_hit + shared_blks_read)::float8 "
        f"FROM pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid WHERE r.rolname = '{role}' AND s.toplevel"
    )
    return Burden(*(number / scrapes for number in found))


@pytest.mark.parametrize("tables", [0, 2000])
def test_cost_to_the_server(tmp_path: Path, tables: int) -> None:
    server = Postgres(tmp_path / "burdened").start(shared_preload_libraries="pg_stat_statements", autovacuum="off")
    try:
        server.execute("CREATE EXTENSION pg_stat_statements")
        server.execute(*(f"CREATE ROLE {role} LOGIN IN ROLE pg_monitor" for role in ("theirs", "ours")))
        server.execute(
            f"DO $$ BEGIN FOR i IN 1..{tables} LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text)', i); END LOOP; END $$"
        )
        with both(server, tmp_path, users=("theirs", "ours")) as ((theirs, _), (ours, _)):
            found = [burden(server, role, url, 10) for role, url in (("theirs", theirs), ("ours", ours))]
    finally:
        server.stop("immediate")
    print(f"\none database of {tables} tables, a scrape's cost to the server, postgres_exporter beside ours:")
    for name, their, our in zip(Burden._fields, *found, strict=True):
        print(f"  {name}: {their:.4g} and {our:.4g}, ratio {our / their:.2f}")
    # Seconds are the server's wall time, and on two cores our own work is part of them: printed, not judged.
    assert found[1].statements < found[0].statements * 2
    assert found[1].rows < found[0].rows * 1.5
    assert found[1].blocks < found[0].blocks * 1.5


def test_hundred_databases(server: Postgres, tmp_path: Path) -> None:
    for i in range(100):
        server.execute(f"CREATE DATABASE d{i}")
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\n'
        f"targets: [{{name: bench, kind: postgres, dsn: '{server.dsn()}', collectors: {{schema: false}}}}]\n"
    )
    with tocsin(config, tmp_path) as (url, child):
        page = get(f"{url}/metrics")[1]
        found = cost(url, child.process.pid, 5)
        (connections,) = server.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin'")[0]
    assert page.count("pg_stat_database_xact_commit{") >= 100
    print(f"\n100 databases: {found.wall * 1e3:.0f} ms, {found.cpu * 1e3:.0f} ms CPU, {connections} connections (cap 6)")
    assert found.wall < 2
    assert connections <= 6
