"""From a killed container to a message that a person reads, with a real engine, Prometheus and Alertmanager; and its dashboard's data."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from alerting import about, alerting, query, without_data
from containers import IMAGE, DockerEngine, docker_engine
from database_images import postgres_image
from servers import ROOT, until
from sinks import Message
from tocsin.bundle.dashboard import queries
from tocsin.bundle.links import runbook_url

# What the public dashboards and alerts of dockprom and awesome-prometheus-alerts ask for, in their form.
PUBLIC = (
    'sum(rate(container_cpu_usage_seconds_total{name!=""}[1m])) by (name) * 100',
    'sum(rate(container_cpu_user_seconds_total{image!=""}[1m])) / count(machine_cpu_cores) * 100',
    'sum by (name) (container_memory_usage_bytes{name=~".+"})',
    'sum(container_memory_working_set_bytes{name!=""}) by (name) / sum(container_spec_memory_limit_bytes{name!=""} > 0) by (name) * 100',
    'sum by (name) (rate(container_network_receive_bytes_total{name=~".+"}[1m]))',
    'sum by (name) (rate(container_network_transmit_bytes_total{name=~".+"}[1m]))',
    'sum by (name) (rate(container_fs_reads_bytes_total{name!=""}[1m])) '
    '+ sum by (name) (rate(container_fs_writes_bytes_total{name!=""}[1m]))',
    "sum(container_fs_io_current)",
    'container_fs_usage_bytes{name!=""} / container_fs_limit_bytes * 100',
    'sum(increase(container_cpu_cfs_throttled_periods_total{name!=""}[5m])) by (name) '
    "/ sum(increase(container_cpu_cfs_periods_total[5m])) by (name)",
    'time() - container_last_seen{name!=""}',
    'time() - container_start_time_seconds{name!=""}',
    'count(rate(container_last_seen{name=~".+"}[1m]))',
    "machine_memory_bytes - machine_swap_bytes",
)


class Stack(NamedTuple):
    engine: DockerEngine
    prometheus: str
    slack: list[Message]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("containers")
    with docker_engine() as engine:
        engine.container("shop", "--restart", "always")
        work = "while :; do dd if=/dev/zero of=/data bs=1M count=8 conv=fsync; cat /data >/dev/null; done"
        limits = ("--memory", "64m", "--cpus", "0.1", "--network", "none", *engine.disk_counting())
        engine.container("busy", *limits, command=("sh", "-c", work))
        for words in (["link", "add", "eth9", "type", "veth", "peer", "name", "eth8"], ["link", "set", "eth9", "up"]):
            subprocess.run(["nsenter", "--target", str(engine.pid("busy")), "--net", "ip", *words], check=True, timeout=20)
        # Three databases that nobody configured: one without a login, one to which nobody gets, and a file.
        subnet = f"10.{random.randrange(100, 250)}.{random.randrange(250)}.0/24"  # not what another engine has at the same time
        engine.run("network", "create", "--subnet", subnet, "own")
        postgres_image(engine, "postgres:local")
        engine.container("ledgers", "--network", "own", image="postgres:local", command=())
        engine.container("mute", "--network", "own", image="postgres:local", command=("postgres", "-c", "listen_addresses=127.0.0.1"))
        (folder / "srv").mkdir()
        with closing(sqlite3.connect(folder / "srv" / "app.db")) as db:
            db.execute("CREATE TABLE t (a)")
        config = folder / "tocsin.yaml"
        config.write_text(
            f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {folder}/state\n'
            f"discovery: {{files: [{folder}/srv]}}\n"
            f'targets: [{{name: engine, kind: docker, url: "{engine.url}", every: {{images: 2s, sizes: 5s}}}},'
            f' {{name: gone, kind: docker, own_instance: true, url: "unix://{folder}/none.sock"}}]\n'
        )
        with alerting(config, folder) as running:
            until(lambda: query(running.prometheus, 'container_last_seen{name="shop"}'), 90)
            until(lambda: query(running.prometheus, 'tocsin_container_deaths_total{name="shop"}'), 90)
            yield Stack(engine, running.prometheus, running.slack)


def test_killed_process_is_told_with_container_image_exit_code_and_restarts(path: Stack) -> None:
    began = time.time()
    path.engine.kill_process("shop")
    words = ("container shop", IMAGE, "exit code 137", "restarted 1 times", runbook_url("ContainerCrashed"))
    (message,) = until(lambda: about(path.slack, *words, since=began), 90)
    print(f"\nfrom kill -9 to the message: {message.at - began:.1f} s\n{message.title}\n{message.text}\n")


def test_container_that_stays_down_is_told(path: Stack) -> None:
    began = time.time()
    path.engine.container("fragile", command=("sh", "-c", "sleep 1; exit 3"))
    until(lambda: about(path.slack, "container fragile is down", IMAGE, "exit code 3", "restarted 0 times", since=began), 120)
    path.engine.run("rm", "fragile")
    until(lambda: about(path.slack, "fragile", "RESOLVED", since=began), 120)


def test_every_panel_and_the_public_queries_return_data(path: Stack) -> None:
    dashboard = json.loads((ROOT / "grafana" / "dashboards" / "containers.json").read_text())
    assert without_data(path.prometheus, {*queries(dashboard), *PUBLIC}) == []


def test_what_was_found_is_on_the_dashboard_of_the_fleet_with_what_is_missing(path: Stack) -> None:
    fleet = json.loads((ROOT / "grafana" / "dashboards" / "fleet.json").read_text())
    shown = {p["title"]: queries({"panels": [p], "annotations": {"list": []}}) for p in fleet["panels"] if p["type"] != "row"}
    assert without_data(path.prometheus, [*shown["Not monitored"], *shown["Searches"]]) == []
    # The file; the server without a login; the one to which nobody gets; none.
    ways = shown["By how they are watched"]
    assert without_data(path.prometheus, [f"({way}) == {count}" for way, count in zip(ways, (1, 1, 1, 0), strict=True)]) == []
    rows = {row["metric"]["name"]: row["metric"] for row in query(path.prometheus, shown["Not monitored"][0])}
    assert set(rows) == {"ledgers", "mute"}
    assert "defaults.postgres" in rows["ledgers"]["missing"]
    searches = query(path.prometheus, shown["Searches"][0])
    states = {row["metric"].get("target") or row["metric"]["finder"]: row["value"][1] for row in searches}
    assert states == {"engine": "1", "gone": "0", "files": "1"}
