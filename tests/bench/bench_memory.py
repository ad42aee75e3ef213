"""What the process costs at rest: memory and CPU with one PostgreSQL target, scraped as Prometheus does."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from servers import Postgres, get, tocsin

REST = 25
"""Seconds without a scrape: until the exporter has tidied up once."""


def test_serve_at_rest(postgres: Postgres, database: str, tmp_path: Path) -> None:
    postgres.execute("CREATE TABLE orders (id serial PRIMARY KEY, email text)", database=database)
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\n'
        f"targets:\n  - {{name: orders, kind: postgres, dsn: '{postgres.dsn()}'}}\n"
    )
    with tocsin(config, tmp_path) as (url, child):
        process = psutil.Process(child.process.pid)
        scrapes, times = 40, []
        for _ in range(scrapes):
            began = time.perf_counter()
            get(f"{url}/metrics")
            times.append(time.perf_counter() - began)
            time.sleep(0.25)
        cpu = process.cpu_times()
        time.sleep(REST)
        after = process.cpu_times()
        memory = process.memory_full_info()
        before = sum(cpu[:2])
        for _ in range(100):
            get(f"{url}/metrics")
        each = (sum(process.cpu_times()[:2]) - sum(after[:2])) / 100
    print(f"\none PostgreSQL target: resident {memory.rss / 2**20:.1f} MiB, of its own {memory.uss / 2**20:.1f} MiB (aim 40, limit 50)")
    idle = sum(after[:2]) - before
    print(f"CPU {each * 1e3:.1f} ms a scrape, {each / 15:.3%} of a core at one in 15 s; {idle:.2f} s in {REST} s without one")
    print(f"scrape {min(times) * 1e3:.1f} ms at best, {sorted(times)[len(times) // 2] * 1e3:.1f} ms in the middle")
    assert memory.rss < 50 * 2**20
    assert each / 15 < 0.01
