"""From a file system that hangs to a message that a person reads; and the host dashboard's data, with the public ones' queries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import fuse
from alerting import about, alerting, query, without_data
from servers import ROOT, until
from sinks import Message
from tocsin.bundle.dashboard import queries
from tocsin.bundle.links import runbook_url

# What the main rows of Node Exporter Full and the rules of node-mixin ask for, in their form.
PUBLIC = (
    'sum(irate(node_cpu_seconds_total{mode!="idle"}[1m])) / scalar(count(count(node_cpu_seconds_total) by (cpu)))',
    "irate(node_pressure_cpu_waiting_seconds_total[1m])",
    "irate(node_pressure_io_stalled_seconds_total[1m])",
    "scalar(node_load1) * 100 / count(count(node_cpu_seconds_total) by (cpu))",
    "((node_memory_MemTotal_bytes - node_memory_MemFree_bytes) / node_memory_MemTotal_bytes) * 100",
    "node_memory_MemTotal_bytes - node_memory_MemFree_bytes - (node_memory_Cached_bytes + node_memory_Buffers_bytes "
    "+ node_memory_SReclaimable_bytes)",
    "node_memory_SwapTotal_bytes - node_memory_SwapFree_bytes",
    '100 - ((node_filesystem_avail_bytes{mountpoint="/",fstype!="rootfs"} * 100) '
    '/ node_filesystem_size_bytes{mountpoint="/",fstype!="rootfs"})',
    "node_time_seconds - node_boot_time_seconds",
    'irate(node_network_receive_bytes_total{device!="lo"}[1m]) * 8',
    "irate(node_disk_reads_completed_total[1m])",
    "irate(node_disk_io_time_seconds_total[1m])",
    "irate(node_disk_write_time_seconds_total[1m])",
    "irate(node_vmstat_pgmajfault[1m])",
    "irate(node_netstat_Tcp_InSegs[1m])",
    "node_sockstat_TCP_alloc",
    "node_sockstat_sockets_used",
    "irate(node_softnet_processed_total[1m])",
    'node_filesystem_readonly{device!~"rootfs"}',
    "irate(node_context_switches_total[1m])",
    "irate(node_intr_total[1m])",
    "node_procs_running",
    "node_timex_estimated_error_seconds",
    "node_entropy_available_bits",
    "node_filefd_allocated",
    'node_network_up{operstate!="x"}',
    "node_network_mtu_bytes",
    "node_uname_info",
    "node_scrape_collector_duration_seconds",
    "node_scrape_collector_success",
    '(node_filesystem_avail_bytes{fstype!="",mountpoint!=""} / node_filesystem_size_bytes{fstype!="",mountpoint!=""} * 100 < 101 '
    'and node_filesystem_readonly{fstype!="",mountpoint!=""} == 0)',
    "increase(node_vmstat_oom_kill[5m]) >= 0",
    "(node_timex_offset_seconds >= 0 and deriv(node_timex_offset_seconds[5m]) >= 0)",
)


class Stack(NamedTuple):
    exporter: str
    prometheus: str
    slack: list[Message]
    hung: Path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("host")
    config = folder / "tocsin.yaml"
    config.write_text(f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {folder}/state\ntargets: [{{name: machine, kind: host}}]\n')
    with alerting(config, folder) as running:
        until(lambda: query(running.prometheus, f'node_boot_time_seconds{{instance="{running.exporter}"}}'), 90)
        yield Stack(running.exporter, running.prometheus, running.slack, folder / "hung")


def test_every_panel_and_the_public_queries_return_data(path: Stack) -> None:
    dashboard = json.loads((ROOT / "grafana" / "dashboards" / "host.json").read_text())
    assert without_data(path.prometheus, {*queries(dashboard), *PUBLIC}) == []


def test_levels_of_the_host_join_its_series(path: Stack) -> None:
    """Neither bears an instance of its own: Prometheus gives both the exporter's address."""
    level = f'tocsin_threshold{{signal="filesystem_used_ratio", severity="critical", instance="{path.exporter}"}}'
    assert query(path.prometheus, f"mountpoint:node_filesystem_used:ratio < on (job, instance) group_left () (10 * {level})")


def test_file_system_that_hangs_is_told_and_everything_else_is_served_meanwhile(path: Stack) -> None:
    began = time.time()
    with fuse.mounted(path.hung) as mount:
        words = (str(path.hung), "does not answer", "mountpoint timeout", runbook_url("HostFilesystemDeviceError"))
        (message,) = until(lambda: about(path.slack, *words, since=began), 120)
        print(f"\nfrom the hang to the message: {message.at - began:.1f} s\n{message.title}\n{message.text}\n")
        assert query(path.prometheus, 'node_filesystem_avail_bytes{mountpoint="/"}')
        assert query(path.prometheus, "tocsin_target_up == 1")
        mount.serve()
        until(lambda: about(path.slack, str(path.hung), "RESOLVED", since=began), 120)
