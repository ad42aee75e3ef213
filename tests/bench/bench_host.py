"""What a scrape of this machine costs, beside the real node_exporter with the same collectors; and memory, and what psutil would add."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from servers import Child, free_port, get, tocsin, until
from tocsin.sources.host import SOURCE
from watching import Watch, host_options

sys.path.insert(0, str(Path(__file__).parent.parent / "compat"))

from pages import reference

SCRAPES = 50


def cpu_and_memory(pid: int) -> tuple[float, float]:
    """Return processor seconds so far and resident MB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def scraped(name: str, url: str, pid: int) -> None:
    get(url)
    before, _ = cpu_and_memory(pid)
    walls = []
    for _ in range(SCRAPES):
        began = time.perf_counter()
        status, text = get(url)
        walls.append(time.perf_counter() - began)
        assert status == 200
    after, memory = cpu_and_memory(pid)
    walls.sort()
    middle = walls[SCRAPES // 2]
    print(
        f"{name}: {len(text.splitlines()):,} lines, a scrape {walls[0] * 1e3:.1f} ms at best, {middle * 1e3:.1f} in the middle, "
        f"{(after - before) / SCRAPES * 1e3:.1f} ms of processor, {memory:.1f} MB resident"
    )


def test_scrape_beside_node_exporter(tmp_path: Path) -> None:
    print()
    config = tmp_path / "tocsin.yaml"
    config.write_text(f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\ntargets: [{{name: here, kind: host}}]\n')
    port = free_port()
    flags = [
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults",
        *(f"--collector.{c.name}" for c in SOURCE.collectors),
    ]
    theirs = Child([str(reference("prometheus-node-exporter")), *flags], tmp_path / "theirs.log")
    try:
        with tocsin(config, tmp_path) as (url, ours):
            until(lambda: get(f"http://127.0.0.1:{port}/metrics")[0] == 200)
            for _ in range(3):
                scraped("tocsin       ", f"{url}/metrics", ours.process.pid)
                scraped("node_exporter", f"http://127.0.0.1:{port}/metrics", theirs.process.pid)
    finally:
        theirs.stop()


def test_collecting_takes_less_than_20_ms(tmp_path: Path) -> None:
    with Watch(host_options(), tmp_path / "state") as watch:
        for _ in range(5):
            watch.scrape()
        walls = []
        for _ in range(SCRAPES):
            watch.scrape()
            walls.append(sum(record.duration for record in watch.target.records.values()))
    slowest = sorted(((r.duration, c.name) for c, r in watch.target.records.items()), reverse=True)[:4]
    print(f"\nall collectors {min(walls) * 1e3:.1f} ms at best, {sorted(walls)[SCRAPES // 2] * 1e3:.1f} in the middle;", end=" ")
    print("slowest: " + ", ".join(f"{name} {seconds * 1e3:.1f}" for seconds, name in slowest))
    assert min(walls) < 0.02


@pytest.mark.parametrize("library", ["psutil", "ctypes"])
def test_memory_of_libraries(library: str) -> None:
    script = (
        "import tocsin.service, tocsin.catalog;"
        "r = lambda: int(open('/proc/self/statm').read().split()[1]) * 4 / 1024;"
        f"b = r(); import {library}; print(f'{{r() - b:.1f}}')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    print(f"\nimporting {library} takes {done.stdout.strip()} MB more")
