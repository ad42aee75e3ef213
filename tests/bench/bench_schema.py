"""What watching a schema of 10,000 tables of 10 columns costs, beside `pg_dump --schema-only` in the same run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from servers import ROOT, Postgres, get, get_json, tocsin, until
from tocsin.options import DatabaseFilter
from tocsin.sources.postgres import SOURCE, trigger
from watching import Watch, postgres_options, said

TABLES = 10_000
COLUMNS = (
    "a int NOT NULL DEFAULT 0, b text, c numeric(10,2), d timestamptz DEFAULT now(), "
    "e text NOT NULL, f boolean, g jsonb, h varchar(40), i uuid"
)


ALONE = {c.name: c.name == "schema" for c in SOURCE.collectors}
"""The other collectors have benches of their own."""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("big")).start(max_connections=50, max_locks_per_transaction=1000, shared_buffers="256MB")
    server.execute("CREATE DATABASE big")
    for first in range(1, TABLES, 500):
        make = f"CREATE TABLE t%s (id bigint PRIMARY KEY, {COLUMNS}); CREATE INDEX ON t%s (a)"
        server.execute(f"DO $$ BEGIN FOR i IN {first}..{first + 499} LOOP EXECUTE format('{make}', i, i); END LOOP; END $$", database="big")
    server.execute("VACUUM ANALYZE", database="big")
    yield server
    server.stop("immediate")


@pytest.fixture
def watch(big: Postgres, tmp_path: Path) -> Iterator[Watch]:
    options = postgres_options(big.dsn(), databases=DatabaseFilter(include=("^big$",)), collectors=ALONE)
    with Watch(options, tmp_path / "state") as found:
        yield found


def change(server: Postgres, *statements: str) -> None:
    with psycopg.connect(server.dsn("big"), autocommit=True) as session:
        for statement in statements:
            session.execute(statement)
        if session.info.server_version >= 150000:
            session.execute("SELECT pg_stat_force_next_flush()")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and own CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


READ = """
import resource, sys, time
from tocsin.options import DatabaseFilter
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.inspect import inspect
from tocsin.schema.model import combined, digest
from watching import postgres_options
connection = Connection(postgres_options(sys.argv[1]), "big", time.monotonic() + 10)
best = 99.0
for _ in range(3):
    began = time.perf_counter()
    combined([digest(group) for _, group in inspect(connection, time.monotonic() + 60)])
    best = min(best, time.perf_counter() - began)
print(best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_full_fingerprint_beside_pg_dump(big: Postgres, tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT / "exporter"), str(ROOT / "tests")])
    dumps, readings = [], []
    for _ in range(2):  # in turn, so that the machine is the same for both
        began = time.perf_counter()
        dump = [str(big.bin / "pg_dump"), "--schema-only", "-d", big.dsn("big"), "-f", str(tmp_path / "dump.sql")]
        subprocess.run(dump, check=True, timeout=300)
        dumps.append(time.perf_counter() - began)
        done = subprocess.run(
            [sys.executable, "-c", READ, big.dsn()],
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "PYTHONPATH": path},
        )
        readings.append([float(word) for word in done.stdout.split()])
    ours, resident = min(r[0] for r in readings), max(r[1] for r in readings)
    print(
        f"\nfull fingerprint of {TABLES} tables: {ours:.2f} s, {resident / 2**20:.0f} MiB; "
        f"pg_dump {min(dumps):.2f} s; ratio {ours / min(dumps):.2f}"
    )
    assert ours / min(dumps) <= 1 / 3
    assert resident <= 120 * 2**20


def test_unchanged_and_one_changed_table(big: Postgres, watch: Watch) -> None:
    process = psutil.Process()
    print(
        f"\nbaseline with its snapshot: {timed(lambda: watch.check(120))[0]:.2f} s, {process.memory_info().rss / 2**20:.0f} MiB with pytest"
    )
    time.sleep(0.5)
    watch.check(60)
    unchanged = [timed(lambda: watch.check(60)) for _ in range(20)]
    print(
        f"unchanged: {statistics.median(w for w, _ in unchanged) * 1e3:.1f} ms, "
        f"{statistics.median(c for _, c in unchanged) * 1e3:.1f} ms of ours"
    )
    assert min(w for w, _ in unchanged) <= 0.005
    found = []
    for i in range(5):
        change(big, f"ALTER TABLE t{i + 7} ADD COLUMN come{i} int")
        told: list[str] = []
        found.append(timed(lambda told=told: told.extend(said(watch.check(60)))))
        assert told == [f"column public.t{i + 7}.come{i} added safe"]
    wall, cpu = min(found)
    print(f"one changed table of {TABLES}: {wall * 1e3:.0f} ms, {cpu * 1e3:.0f} ms of it ours")
    assert cpu <= 0.2


def test_from_ddl_to_visible_series(big: Postgres, tmp_path: Path) -> None:
    options = postgres_options(big.dsn(), databases=DatabaseFilter(include=("^big$",)))
    trigger.apply(options, 30)
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\n'
        f"targets: [{{name: bench, kind: postgres, dsn: '{big.dsn()}', databases: {{include: ['^big$']}}, "
        f"collectors: {json.dumps(ALONE)}}}]\n"
    )
    times = []
    with tocsin(config, tmp_path) as (url, child):
        until(lambda: 'tocsin_pg_schema_trigger_enabled{instance="bench",database="big"} 1' in get(f"{url}/metrics", timeout=60)[1], 120)
        until(lambda: big.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'"), 60)
        for i in range(4):
            time.sleep(12)  # after a long run the scheduler rests; by then a short one, at a closed gate, has followed
            began = time.perf_counter()
            change(big, f"ALTER TABLE t{i + 20} ADD COLUMN told{i} int")
            until(lambda i=i: f'object="public.t{i + 20}.told{i}"' in get(f"{url}/metrics", timeout=60)[1], 30, 0.01)
            times.append(time.perf_counter() - began)
        events = get_json(f"{url}/api/v1/events?limit=100")["events"]
        resident = psutil.Process(child.process.pid).memory_info().rss
    print(f"\nDDL to visible series: {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}), {resident / 2**20:.0f} MiB")
    assert any(e["detail"].get("statement", "").startswith("ALTER TABLE t20") for e in events)
    assert statistics.median(times) <= 1
