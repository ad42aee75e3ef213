"""What a container uses as the engine tells it, for hosts whose cgroups are out of reach: slower, and less of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tocsin.sources.docker import metrics as m
from tocsin.sources.docker.cgroup import MEMORY_1, MEMORY_2, Sample, some

_NETWORK = {
    "rx_bytes": m.NET_RX_BYTES, "rx_packets": m.NET_RX_PACKETS, "rx_dropped": m.NET_RX_DROPPED, "rx_errors": m.NET_RX_ERRORS,
    "tx_bytes": m.NET_TX_BYTES, "tx_packets": m.NET_TX_PACKETS, "tx_dropped": m.NET_TX_DROPPED, "tx_errors": m.NET_TX_ERRORS,
}  # fmt: skip


def usage(told: dict[str, Any], limited: bool) -> Iterator[Sample]:
    """Yield samples of `GET /containers/ID/stats`; a container that has just ended tells nothing."""
    cpu = told.get("cpu_stats") or {}
    used = cpu.get("cpu_usage") or {}
    if used.get("total_usage"):
        yield m.CPU_USAGE, used["total_usage"] / 1e9, ("total",)
        yield m.CPU_USER, used.get("usage_in_usermode", 0) / 1e9, ()
        yield m.CPU_SYSTEM, used.get("usage_in_kernelmode", 0) / 1e9, ()
    if limited:
        throttled = cpu.get("throttling_data") or {}
        yield m.CFS_PERIODS, throttled.get("periods", 0), ()
        yield m.CFS_THROTTLED, throttled.get("throttled_periods", 0), ()
        yield m.CFS_THROTTLED_TIME, throttled.get("throttled_time", 0) / 1e9, ()
    memory = told.get("memory_stats") or {}
    if "usage" in memory:
        stat = memory.get("stats") or {}
        version_1 = "total_inactive_file" in stat
        yield m.MEMORY_USAGE, memory["usage"], ()
        yield m.MEMORY_WORKING_SET, max(0, memory["usage"] - stat.get("total_inactive_file", stat.get("inactive_file", 0))), ()
        yield from some(stat, MEMORY_1 if version_1 else MEMORY_2, ())
        if "max_usage" in memory:
            yield m.MEMORY_MAX, memory["max_usage"], ()
    for interface, numbers in (told.get("networks") or {}).items():
        yield from ((metric, numbers[key], (interface,)) for key, metric in _NETWORK.items() if key in numbers)
    yield from _disks(told.get("blkio_stats") or {})


def _disks(told: dict[str, Any]) -> Iterator[Sample]:
    """Yield reads and writes; the engine names devices by their numbers alone."""
    for key, reads, writes in (
        ("io_service_bytes_recursive", m.FS_READ_BYTES, m.FS_WRITE_BYTES), ("io_serviced_recursive", m.FS_READS, m.FS_WRITES),
    ):  # fmt: skip
        for entry in told.get(key) or ():
            metric = {"read": reads, "write": writes}.get(str(entry.get("op", "")).lower())
            if metric is not None:
                yield metric, entry["value"], (f"{entry['major']}:{entry['minor']}",)
