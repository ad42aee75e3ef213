"""What a scrape of many containers costs: from their cgroups, and beside it the naive way, statistics from the engine one by one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench_postgres import cost
from containers import IMAGE, DockerEngine, docker_engine
from servers import get, tocsin, until
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.engine import Engine

CONTAINERS = int(os.environ.get("TOCSIN_BENCH_CONTAINERS", "200"))


@pytest.fixture
def engine(tmp_path: Path) -> object:
    with docker_engine("--log-level", "error") as engine:
        began = time.monotonic()
        for start in range(0, CONTAINERS, 20):
            names = [f"bench-{i}" for i in range(start, min(start + 20, CONTAINERS))]
            for name in names:
                engine.run("create", "--name", name, "--memory", "16m", "--log-driver", "none", IMAGE, "sleep", "100000")
            engine.run("start", *names, timeout=300)
        print(f"\n{CONTAINERS} containers started in {time.monotonic() - began:.0f} s")
        yield engine


def test_many_containers(engine: DockerEngine, tmp_path: Path) -> None:
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\ntargets: [{{name: bench, kind: docker, url: "{engine.url}"}}]\n'
    )
    options = DockerOptions(name="naive", kind="docker", url=engine.url)
    with tocsin(config, tmp_path) as (url, child):
        until(lambda: get(f"{url}/metrics")[1].count("container_last_seen{") == CONTAINERS, 60)
        ours = cost(url, child.process.pid, 10)
        naive = Engine(options)
        naive.negotiate(time.monotonic() + 10)
        ids = [c["Id"] for c in naive.get("/containers/json", time.monotonic() + 30)]
        times = {}
        for way, asked, some in (("one-shot", {"one-shot": "true"}, ids[:20]), ("stats", {}, ids[:5])):
            began = time.monotonic()
            for id in some:
                naive.get(f"/containers/{id}/stats", time.monotonic() + 30, stream="false", **asked)
            times[way] = (time.monotonic() - began) / len(some) * len(ids)
        naive.close()
        time.sleep(20)
        before, began = _cpu(child.process.pid), time.monotonic()
        time.sleep(20)
        idle = (_cpu(child.process.pid) - before) / (time.monotonic() - began)
    print(f"{CONTAINERS} containers: {ours.wall * 1e3:.0f} ms and {ours.cpu * 1e3:.0f} ms CPU a scrape, {ours.resident / 2**20:.0f} MiB")
    print(f"the engine's statistics one by one: {times['one-shot']:.1f} s by one-shot, {times['stats']:.0f} s without (from a few of them)")
    print(f"between scrapes {idle:.1%} of a core")
    assert ours.wall < 1
    assert ours.wall < times["one-shot"]


def _cpu(pid: int) -> float:
    import psutil

    return sum(psutil.Process(pid).cpu_times()[:2])
