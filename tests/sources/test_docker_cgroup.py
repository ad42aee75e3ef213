"""The kernel's files about containers, version 1 and 2, in the layouts of cgroupfs, systemd and other namespaces.

The files of version 2 are written by hand after the kernel's Documentation/admin-guide/cgroup-v2.rst and Documentation/accounting/psi.rst,
with the fields and the order that kernel 6.1 gives them; they were not taken from a machine. Those of version 1 are from kernel 6.18.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from test_docker_lifecycle import seen
from tocsin.sources.docker import metrics as m
from tocsin.sources.docker import stats
from tocsin.sources.docker.cgroup import Cgroups
from tocsin.sources.docker.container import Limits, nanoseconds

ID = "c" * 64
ROOTLESS = "/user.slice/user-1000.slice/user@1000.service/user.slice"
ONE = replace(seen(id=ID), pid=7, limits=Limits(0, 0, 0, 0, 100_000, 50_000))

VERSION_2 = {
    "cpu.stat": "usage_usec 5500000\nuser_usec 4000000\nsystem_usec 1500000\ncore_sched.force_idle_usec 0\nnr_periods 200\n"
    "nr_throttled 50\nthrottled_usec 2500000\nnr_bursts 3\nburst_usec 1000\n",
    "memory.current": "104857600\n",
    "memory.peak": "209715200\n",
    "memory.swap.current": "4096\n",
    "memory.stat": "anon 52428800\nfile 41943040\nkernel 8388608\nkernel_stack 98304\npagetables 1048576\nsec_pagetables 0\n"
    "percpu 1040\nsock 0\nvmalloc 0\nshmem 0\nzswap 0\nzswapped 0\nfile_mapped 12288000\nfile_dirty 8192\n"
    "file_writeback 4096\nswapcached 0\nanon_thp 0\nfile_thp 0\nshmem_thp 0\ninactive_anon 52400000\n"
    "active_anon 28800\ninactive_file 31457280\nactive_file 10485760\nunevictable 0\nslab_reclaimable 4000000\n"
    "slab_unreclaimable 2000000\nslab 6000000\nworkingset_refault_anon 2\nworkingset_refault_file 17\n"
    "workingset_activate_anon 0\nworkingset_activate_file 5\nworkingset_restore_anon 0\nworkingset_restore_file 0\n"
    "workingset_nodereclaim 0\npgscan 900\npgsteal 850\npgscan_kswapd 100\npgscan_direct 800\npgsteal_kswapd 90\n"
    "pgsteal_direct 760\npgfault 12345\npgmajfault 6\npgrefill 10\npgactivate 20\npgdeactivate 0\npglazyfree 0\n"
    "pglazyfreed 0\nthp_fault_alloc 0\nthp_collapse_alloc 0\n",
    "memory.events": "low 0\nhigh 4\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n",
    "io.stat": "254:0 rbytes=1048576 wbytes=2097152 rios=16 wios=32 dbytes=0 dios=0\n7:9 \n",
    "cpu.pressure": "some avg10=1.00 avg60=0.50 avg300=0.10 total=3000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
    "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=125000\n",
    "io.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "pids.current": "12\n",
    "pids.max": "max\n",
    "cgroup.procs": "7\n8\n",
}
NETWORK = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 4000000    3000    1    2    0     0          0         0  5000000    2500    3    4    0     0       0          0
"""
VERSION_1 = {
    "cpuacct/cpuacct.usage": "5500000000\n",
    "cpuacct/cpuacct.stat": "user 400\nsystem 150\n",
    "cpu/cpu.stat": "nr_periods 200\nnr_throttled 50\nthrottled_time 2500000000\nnr_bursts 0\nburst_time 0\n",
    "memory/memory.usage_in_bytes": "104857600\n",
    "memory/memory.max_usage_in_bytes": "209715200\n",
    "memory/memory.failcnt": "9\n",
    "memory/memory.stat": "cache 1\nrss 1\npgfault 5\npgmajfault 1\nhierarchical_memory_limit 67108864\ntotal_cache 41943040\n"
    "total_rss 52428800\ntotal_mapped_file 12288000\ntotal_swap 4096\ntotal_pgfault 12345\ntotal_pgmajfault 6\n"
    "total_inactive_file 31457280\ntotal_active_file 10485760\n",
    "blkio/blkio.throttle.io_service_bytes": "254:0 Read 1048576\n254:0 Write 2097152\n254:0 Sync 1\n254:0 Total 3145728\nTotal 3145728\n",
    "blkio/blkio.throttle.io_serviced": "254:0 Read 16\n254:0 Write 32\nTotal 48\n",
    "pids/pids.current": "12\n",
    "pids/pids.max": "100\n",
    "pids/cgroup.procs": "7\n8\n",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def host(tmp_path: Path, path: str, version: int, said: str | None = None) -> Cgroups:
    """Return a host with one container in that cgroup; `said` is what /proc shows of it, nothing without it."""
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    if version == 2:
        write(root, {"cgroup.controllers": "cpu io memory pids\n"})
        write(root / path.lstrip("/"), VERSION_2)
        said = said and f"0::{said}\n"
    else:
        for name, text in VERSION_1.items():
            controller, _, file = name.partition("/")
            write(root / controller / path.lstrip("/"), {file: text})
        said = said and "".join(f"{i}:{c}:{said}\n" for i, c in enumerate(["name=systemd", "memory", "cpu,cpuacct", "blkio", "pids"], 1))
    if said:
        write(proc / "7", {"cgroup": said, "net/dev": NETWORK})
    return Cgroups(root, proc)


def used(cgroups: Cgroups, limited: bool = True) -> dict[str, float]:
    group = cgroups.find(ONE)
    assert group is not None
    return {
        "/".join((metric.name, *labels)): value for metric, value, labels in [*cgroups.usage(group, limited), *cgroups.processes(group)]
    }


BOTH = {
    "container_cpu_usage_seconds_total/total": 5.5,
    "container_cpu_user_seconds_total": 4.0,
    "container_cpu_system_seconds_total": 1.5,
    "container_cpu_cfs_periods_total": 200,
    "container_cpu_cfs_throttled_periods_total": 50,
    "container_cpu_cfs_throttled_seconds_total": 2.5,
    "container_memory_usage_bytes": 104857600,
    "container_memory_working_set_bytes": 104857600 - 31457280,
    "container_memory_max_usage_bytes": 209715200,
    "container_memory_rss": 52428800,
    "container_memory_cache": 41943040,
    "container_memory_swap": 4096,
    "container_memory_mapped_file": 12288000,
    "container_memory_total_inactive_file_bytes": 31457280,
    "container_memory_failures_total/pgmajfault/hierarchy": 6,
    "container_network_receive_bytes_total/eth0": 4000000,
    "container_network_receive_packets_dropped_total/eth0": 2,
    "container_network_transmit_errors_total/eth0": 3,
    "container_processes": 2,
    "container_threads": 12,
}
OF_2 = {
    "container_cpu_cfs_burst_seconds_total": 0.001,
    "container_memory_kernel_usage": 8388608,
    "container_memory_file_dirty_bytes": 8192,
    "container_memory_events_high_total": 4,
    "container_memory_events_max_total": 9,
    "container_memory_pgscan_total": 900,
    "container_memory_workingset_refault_file_total": 17,
    "container_pressure_cpu_waiting_seconds_total": 3.0,
    "container_pressure_memory_stalled_seconds_total": 0.125,
}
OF_1 = {"container_memory_failcnt": 9, "container_threads_max": 100, "container_memory_failures_total/pgfault/container": 5}


@pytest.mark.parametrize(("version", "special"), [(1, OF_1), (2, OF_2)])
def test_values_of_each_version(tmp_path: Path, version: int, special: dict[str, float]) -> None:
    found = used(host(tmp_path, f"/docker/{ID}", version, f"/docker/{ID}"))
    assert {name: found.get(name) for name in BOTH | special} == BOTH | special
    disks = {name.partition("/")[0]: value for name, value in found.items() if "_fs_" in name}
    assert disks == {
        "container_fs_reads_bytes_total": 1048576, "container_fs_writes_bytes_total": 2097152,
        "container_fs_reads_total": 16, "container_fs_writes_total": 32,
    }  # fmt: skip
    assert not any("/lo" in name for name in found)
    assert ("container_threads_max" in found) == (version == 1), "no limit, no sample"


@pytest.mark.parametrize("version", [1, 2])
def test_without_a_limit_there_are_no_periods(tmp_path: Path, version: int) -> None:
    assert not any("cfs" in name for name in used(host(tmp_path, f"/docker/{ID}", version, f"/docker/{ID}"), limited=False))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("path", "said", "network"),
    [
        (f"/docker/{ID}", f"/docker/{ID}", True),
        (f"/system.slice/docker-{ID}.scope", f"/system.slice/docker-{ID}.scope", True),
        (f"/docker/{ID}", f"/../../docker/{ID}", True),
        (f"/user.slice/user-1000.slice/docker-{ID}.scope", f"/user.slice/user-1000.slice/docker-{ID}.scope", True),
        (f"{ROOTLESS}/docker-{ID}.scope", f"{ROOTLESS}/docker-{ID}.scope", True),
        (f"/system.slice/docker-{ID}.scope", f"/../../../system.slice/docker-{ID}.scope", True),
        # Of systemd and of an engine within the container, and of podman, which puts every container a step below:
        (f"/system.slice/docker-{ID}.scope", f"/system.slice/docker-{ID}.scope/init.scope", True),
        (f"/docker/{ID}", f"/docker/{ID}/init", True),
        (f"/machine.slice/libpod-{ID}.scope", f"/machine.slice/libpod-{ID}.scope/container", True),
        (f"{ROOTLESS}/libpod-{ID}.scope", f"{ROOTLESS}/libpod-{ID}.scope/container", True),
        (f"/libpod_parent/libpod-{ID}", f"/libpod_parent/libpod-{ID}", True),
        (f"/docker/{'d' * 64}/docker/{ID}", f"/docker/{'d' * 64}/docker/{ID}", True),
        (f"/docker/{ID}", None, False),
        (f"/system.slice/docker-{ID}.scope", None, False),
        (f"/docker/{ID}", "/somebody/else", False),
    ],
)
def test_layout(tmp_path: Path, version: int, path: str, said: str | None, network: bool) -> None:
    cgroups = host(tmp_path, path, version, said)
    group = cgroups.find(ONE)
    assert group is not None
    assert group.path == path
    assert bool(group.network) == network, "another's process has another's network"
    assert used(cgroups)["container_memory_usage_bytes"] == 104857600


def test_parent_that_was_chosen_for_the_container(tmp_path: Path) -> None:
    within = replace(ONE, cgroup_parent="shop-web.slice", pid=0)
    found = host(tmp_path, f"/shop.slice/shop-web.slice/docker-{ID}.scope", 2).find(within)
    assert found is not None
    assert found.path == f"/shop.slice/shop-web.slice/docker-{ID}.scope"


def test_container_of_another_machine_is_not_found(tmp_path: Path) -> None:
    assert host(tmp_path, "/docker/" + "d" * 64, 2, "/docker/" + "d" * 64).find(ONE) is None


def test_container_that_was_started_again_is_looked_for_again(tmp_path: Path) -> None:
    cgroups = host(tmp_path, f"/docker/{ID}", 2, f"/docker/{ID}")
    first = cgroups.find(ONE)
    write(tmp_path / "proc" / "9", {"cgroup": f"0::/docker/{ID}\n", "net/dev": NETWORK})
    second = cgroups.find(replace(ONE, started=ONE.started + 1, pid=9))
    assert first is not None
    assert second is not None
    assert (first.network, second.network) == (f"{tmp_path}/proc/7/net/dev", f"{tmp_path}/proc/9/net/dev")


@pytest.mark.parametrize(
    "text",
    [
        "8:0 rbytes=5 wbytes=7 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=11 wbytes=0 rios=3 wios=0 dbytes=0 dios=0\n",
        # An idle device on the line of another, as kernels since 5.13 write it; io.latency, io.cost and debugging add words.
        "7:9 8:0 rbytes=5 wbytes=7 rios=1 wios=2 dbytes=0 dios=0\n\n253:1 \n8:16 rbytes=11 rios=3 wios=0 cost.vrate=100.00 depth=max "
        "avg_lat=3 wbytes=0\n",
        "8:0 rbytes=5 wbytes= rios=1 nonsense\nrbytes=99\n(unknown) rbytes=98\n8:16 rbytes=11 rios=3 wios=- wbytes=0x5\n",
    ],
)
def test_devices_and_their_lines_of_every_make(tmp_path: Path, text: str) -> None:
    cgroups = host(tmp_path, f"/docker/{ID}", 2, f"/docker/{ID}")
    write(tmp_path / "cgroup" / "docker" / ID, {"io.stat": text})
    found = used(cgroups)
    read = sorted(
        value for name, value in found.items() if name.startswith("container_blkio_device_usage_total") and name.endswith("/Read")
    )
    assert read == [5, 11]
    assert found["container_cpu_usage_seconds_total/total"] == 5.5


WITHOUT = {
    "memory.events": ["memory_events_high", "memory_events_max"],
    "memory.stat": ["memory_rss", "memory_failures"],
    "memory.peak": ["memory_max_usage"],
    "memory.swap.current": ["memory_swap"],
    "io.stat": ["fs_reads", "blkio"],
    "cpu.pressure": ["pressure_cpu"],
    "memory.pressure": ["pressure_memory"],
    "io.pressure": ["pressure_io"],
    "pids.current": ["threads"],
    "memory.current": ["memory_usage", "memory_working_set"],
}
"""What is not there on older kernels, without PSI, and where a controller is off, with the series that are not there then."""


@pytest.mark.parametrize("file", WITHOUT)
@pytest.mark.parametrize("how", ["missing", "empty", "nonsense"])
def test_a_file_that_is_not_there_or_says_nothing_costs_its_own_series_alone(tmp_path: Path, file: str, how: str) -> None:
    cgroups = host(tmp_path, f"/docker/{ID}", 2, f"/docker/{ID}")
    path = tmp_path / "cgroup" / "docker" / ID / file
    path.unlink() if how == "missing" else path.write_text(
        {"empty": "", "nonsense": "some of\nthis is\n new 5 6\nfull total=\n8:0 x\n"}[how]
    )
    found = used(cgroups)
    assert not [name for name in found for word in WITHOUT[file] if name.startswith(f"container_{word}")]
    rest = [name for other, words in WITHOUT.items() if other != file and file != "memory.current" for name in words]
    assert not [word for word in rest if not any(name.startswith(f"container_{word}") for name in found)]
    assert found["container_cpu_usage_seconds_total/total"] == 5.5


def test_limits_that_are_none(tmp_path: Path) -> None:
    """The limits themselves are the engine's to tell; in the cgroup `max` is none."""
    cgroups = host(tmp_path, f"/docker/{ID}", 2, f"/docker/{ID}")
    write(
        tmp_path / "cgroup" / "docker" / ID, {"memory.max": "max\n", "cpu.max": "max 100000\n", "memory.peak": "max\n", "pids.max": "max\n"}
    )
    found = used(cgroups)
    assert found["container_memory_usage_bytes"] == 104857600
    assert "container_memory_max_usage_bytes" not in found
    assert "container_threads_max" not in found


def test_statistics_of_an_engine_on_a_host_with_version_2() -> None:
    told = {
        "cpu_stats": {"cpu_usage": {"total_usage": 5_500_000_000, "usage_in_usermode": 4_000_000_000, "usage_in_kernelmode": 1_500_000_000},
                      "throttling_data": {"periods": 200, "throttled_periods": 50, "throttled_time": 2_500_000_000}},
        "memory_stats": {"usage": 104857600, "stats": {"anon": 52428800, "file": 41943040, "inactive_file": 31457280}},
        "networks": {"eth0": {"rx_bytes": 4000000, "tx_bytes": 5}},
        "blkio_stats": {"io_service_bytes_recursive": [{"major": 254, "minor": 0, "op": "read", "value": 1048576}]},
    }  # fmt: skip
    found = {metric: value for metric, value, _ in stats.usage(told, limited=True)}
    assert found[m.MEMORY_WORKING_SET] == 104857600 - 31457280
    assert (found[m.CPU_USAGE], found[m.CFS_THROTTLED_TIME], found[m.MEMORY_RSS], found[m.FS_READ_BYTES]) == (5.5, 2.5, 52428800, 1048576)
    assert found[m.NET_RX_BYTES] == 4000000
    assert list(stats.usage({"cpu_stats": {}, "memory_stats": {}, "networks": None}, limited=False)) == [], "it has just ended"


def test_times_of_the_engine() -> None:
    assert nanoseconds("1970-01-01T00:00:01.5Z") == 1_500_000_000
    assert nanoseconds("2026-11-21T10:06:18.799275144Z") % 10**9 == 799275144
    assert nanoseconds("1970-01-01T02:00:01.25+02:00") == 1_250_000_000
    assert nanoseconds("0001-01-01T00:00:00Z") == nanoseconds("") == 0
