"""What watching a DuckDB file costs, and ten thousand readings beside an application that never rests: none wrong, none failed."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from duckdb_app import App, duckdb_options, hammered, read_beside
from servers import get, tocsin
from tocsin.sources.duckdb.picture import Picture, read_picture
from tocsin.sources.duckdb.session import DuckdbSession

READS = 10_000


@pytest.mark.parametrize("copy_limit", [64 * 2**20, 0], ids=["copying", "in place"])
def test_ten_thousand_readings_beside_a_writer(tmp_path: Path, copy_limit: int) -> None:
    """Half of them with the copy as a way out, half without."""
    told: Counter[str] = Counter()
    moments = 0
    path = tmp_path / "lake.duckdb"
    began = time.monotonic()
    with hammered(path) as words:
        while told["reads"] < READS / 2 and time.monotonic() - began < 3600:
            more, found = read_beside(path, 250, 600, copy_limit=copy_limit)
            told += more
            moments += found["moments"]
            assert found["wrong"] == []
    print(f"\n{dict(told)} in {time.monotonic() - began:.0f} s, {moments} states seen; the writer: {words[-1]}")
    assert words[-1].endswith("errors 0")
    assert told["reads"] >= READS / 2
    assert told["locked"] <= (0 if copy_limit else READS / 1000), "without the copy a few may have to wait for a quieter moment"


def gate_of(path: Path) -> str:
    return read_picture(path, Picture.gate, time.monotonic() + 5)


@pytest.mark.parametrize("tables", [10, 10_000])
def test_a_look_and_the_gate_before_it(tmp_path: Path, tables: int) -> None:
    path = tmp_path / "lake.duckdb"
    columns = ", ".join(f"c{i} INTEGER" for i in range(9))
    with App(path) as app:
        app.execute("BEGIN", *(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, {columns})" for i in range(tables)), "COMMIT", "CHECKPOINT")
        session = DuckdbSession(duckdb_options(path))
        began = time.perf_counter()
        for _ in range(100):
            gate = gate_of(path)
        gate_seconds = (time.perf_counter() - began) / 100
        began = time.perf_counter()
        look = session.look(gate, time.monotonic() + 60)
        seconds = time.perf_counter() - began
        parsing = time.perf_counter()
        assert look.schema().counts()["table"] == tables
    print(f"\n{tables} tables: gate {gate_seconds * 1e3:.2f} ms; a look {seconds:.2f} s, {look.cpu:.2f} s of processor time in the child")
    print(f"{len(look.parcel) / 1e6:.2f} MB of objects, {time.perf_counter() - parsing:.2f} s to take them in")
    assert gate_seconds < 0.005


def test_exporter_at_rest_beside_a_database_that_is_written(tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\ntargets:\n  - {{name: lake, kind: duckdb, path: {path}}}\n'
    )
    with hammered(path, 0.2), tocsin(config, tmp_path) as (url, child):
        process = psutil.Process(child.process.pid)
        time.sleep(30)  # in which what was saved up for changes that come one by one is spent
        for _ in range(10):
            get(f"{url}/metrics")
        before, began = process.cpu_times(), time.monotonic()
        while time.monotonic() - began < 60:
            get(f"{url}/metrics")
            time.sleep(5)
        after, memory = process.cpu_times(), process.memory_full_info()
    own = sum(after[:2]) - sum(before[:2])
    children = sum(after[2:4]) - sum(before[2:4])
    print(
        f"\none DuckDB target: resident {memory.rss / 2**20:.1f} MiB; in 60 s {own:.2f} s of processor time, its children {children:.2f} s"
    )
    assert memory.rss < 50 * 2**20
    assert children < 0.06 * 60
