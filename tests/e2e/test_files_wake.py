"""From DDL on a real SQLite file to the series of a real exporter process, woken by the file and not by the clock."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import psutil
import pytest

from servers import get, tocsin, until

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state_dir: {folder}/state
targets: [{{name: app, kind: sqlite, path: {folder}/app/app.db, every: {{schema: 1h}}}}]
"""


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_ddl_becomes_a_series_long_before_the_clock_comes_round(tmp_path: Path, mode: str) -> None:
    config = tmp_path / "tocsin.yaml"
    config.write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "app").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "app" / "app.db", isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("CREATE TABLE t (a)")
        with tocsin(config, tmp_path) as (url, child):

            def page() -> str:
                return get(f"{url}/metrics")[1]

            until(lambda: 'tocsin_schema_info{instance="app"' in page())
            until(lambda: 'tocsin_watch_mode{instance="app",mode="inotify"} 1' in page())
            took = []
            for i in range(8):
                db.execute(f"CREATE TABLE added_{i} (a)")
                began = time.monotonic()
                until(lambda i=i: f'object="added_{i}"' in page(), 20, 0.01)
                took.append(time.monotonic() - began)
                time.sleep(0.3)
            # An application that writes without a pause, and changes its schema meanwhile.
            process = psutil.Process(child.process.pid)
            before, started = sum(process.cpu_times()[:2]), time.monotonic()
            while time.monotonic() < started + 4:
                db.execute("INSERT INTO t VALUES (1)")
                time.sleep(0.005)
            busy = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - started)
            db.execute("CREATE TABLE last (a)")
            began = time.monotonic()
            until(lambda: 'object="last"' in page(), 20, 0.01)
            took.append(time.monotonic() - began)
            assert child.stop() == 0, "the watching threads keep nobody alive"
    print(f"\n{mode}: DDL to series {min(took):.3f} to {max(took):.3f} s; beside a busy writer {busy:.1%} of a core")
    assert max(took) < 10
    assert sorted(took)[len(took) // 2] < 2
    assert busy < 0.2
