"""What watching many files costs: a baseline of 100,000, what goes on afterwards, a burst of creations, and how soon a change is told."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from servers import get, tocsin, until

FOLDERS = int(os.environ.get("TOCSIN_BENCH_FOLDERS", "1000"))
FILES = FOLDERS * 100
BURST = int(os.environ.get("TOCSIN_BENCH_BURST", "40000"))
CONTENT = b"key = value\n" * 80


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files") / "tree"
    for i in range(FOLDERS):
        folder = root / f"{i // 50}" / f"{i}"
        folder.mkdir(parents=True)
        for j in range(100):
            (folder / f"{j}.dat").write_bytes(CONTENT)
    return root


@contextlib.contextmanager
def exporter(tree: Path, folder: Path, state: Path) -> Iterator[tuple[str, psutil.Process]]:
    folder.mkdir(exist_ok=True)
    config = folder / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {state}\ntargets: [{{name: bench, kind: files, paths: ["{tree}"]}}]\n'
    )
    with tocsin(config, folder) as (url, child):
        yield url, psutil.Process(child.process.pid)


def value(url: str, name: str) -> float | None:
    """Return the first sample of a series; its labels do not matter here."""
    lines = [line for line in get(f"{url}/metrics")[1].splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return float(lines[0].rpartition(" ")[2]) if lines else None


def events(url: str, since: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = json.loads(get(f"{url}/api/v1/events?kind=file&since_id={since}&limit=1000")[1])
        found += page["events"]
        if not page["events"] or page["next_since_id"] == since:
            return found
        since = page["next_since_id"]


def busy(process: psutil.Process, seconds: float) -> float:
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)


def test_many_files(tree: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    began = time.monotonic()
    with exporter(tree, tmp_path / "first", state) as (url, process):
        until(lambda: value(url, "tocsin_files") == FILES and value(url, "tocsin_files_unread") == 0, 120, 0.1)
        baseline, cpu = time.monotonic() - began, sum(process.cpu_times()[:2])
        peak = _peak(process)
        until(lambda: (value(url, "tocsin_files_looked_into") or 0) > FOLDERS, 60)
        time.sleep(20)
        idle = busy(process, 60)
        took = _latencies(url, tree)
    print(f"\n{FILES} files: baseline {baseline:.1f} s ({cpu:.1f} s of processor), at most {peak / 2**20:.0f} MiB")
    print(f"then {idle:.2%} of a core; change to event {statistics.median(took):.2f} s, at most {max(took):.2f} s")
    began = time.monotonic()
    with exporter(tree, tmp_path / "second", state) as (url, process):
        until(lambda: value(url, "tocsin_files") == FILES, 120, 0.1)
        again = time.monotonic() - began
        assert len(events(url, 0)) == len(took), "nothing is told that did not change"
        peak = max(peak, _peak(process))
    print(f"started again: compared in {again:.1f} s, at most {peak / 2**20:.0f} MiB")
    assert baseline < 20
    assert peak < 150 * 2**20
    assert idle < 0.01
    assert statistics.median(took) < 1


def _latencies(url: str, tree: Path) -> list[float]:
    took = []
    for i in range(7):
        seen = len(events(url, 0))
        path = tree / "3" / "153" / f"{i}.dat"
        path.write_text(f"another {i}")
        began = time.monotonic()
        until(lambda seen=seen: len(events(url, 0)) > seen, 30, 0.02)
        took.append(time.monotonic() - began)
        time.sleep(2)
    return took


def _peak(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_a_burst_of_creations_is_accounted_for(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    with exporter(tree, tmp_path / "config", tmp_path / "state") as (url, _):
        until(lambda: (value(url, "tocsin_files_looked_into") or 0) > 0, 30)
        began = time.monotonic()
        for i in range(BURST):
            (tree / f"{i % 7}").mkdir(exist_ok=True)
            (tree / f"{i % 7}" / f"f{i}").write_bytes(b"x")
        made = time.monotonic() - began
        until(lambda: value(url, "tocsin_files") == BURST, 120, 0.5)
        time.sleep(15)
        found = events(url, 0)
        overflows = value(url, "tocsin_watch_overflows_total")
        looks = [line for line in get(f"{url}/metrics")[1].splitlines() if line.startswith("tocsin_files_looks_total")]
    accounted = sum(e["detail"].get("files", 0) if e["object_kind"] == "directory" else e["detail"].get("count", 1) for e in found)
    print(f"\n{BURST} files made in {made:.1f} s: {len(found)} events account for {accounted}; the queue ran over {overflows:.0f} times")
    print(*looks)
    assert accounted == BURST
