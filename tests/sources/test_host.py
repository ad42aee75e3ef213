"""The host source on this very machine: right values, every collector by itself, the host's view from within a container."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from servers import ROOT
from tocsin import config, once
from tocsin.errors import ConfigError
from tocsin.sources.host import SOURCE
from tocsin.sources.host.collect import _never_back
from tocsin.sources.host.config import HostOptions
from tools import lacking
from watching import Page, Watch, host_options


@pytest.fixture
def page(tmp_path: Path) -> Page:
    with Watch(host_options(), tmp_path / "state") as watch:
        page = watch.scrape()
        assert not [r.error for r in watch.target.records.values() if r.error]
    return page


def values(page: Page, name: str, label: str) -> dict[str, float]:
    return {labels[label]: value for labels, value in page.all(name)}


def test_values_are_those_that_psutil_sees(page: Page) -> None:
    """A library that looks at the same machine by its own code."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    assert page.value("node_memory_MemTotal_bytes") == memory.total
    assert page.value("node_memory_MemAvailable_bytes") == pytest.approx(memory.available, rel=0.2)
    assert page.value("node_memory_SwapTotal_bytes") == swap.total
    assert page.value("node_boot_time_seconds") == pytest.approx(psutil.boot_time(), abs=2)
    assert page.value("node_time_seconds") == pytest.approx(time.time(), abs=60)
    assert {labels["cpu"] for labels, _ in page.all("node_cpu_seconds_total")} == {str(i) for i in range(psutil.cpu_count())}
    for mode in ("user", "system", "idle"):
        total = sum(value for labels, value in page.all("node_cpu_seconds_total") if labels["mode"] == mode)
        assert total == pytest.approx(getattr(psutil.cpu_times(), mode), rel=0.05)
    loopback = psutil.net_io_counters(pernic=True)["lo"]
    assert 0 < values(page, "node_network_receive_bytes_total", "device")["lo"] <= loopback.bytes_recv
    for disk, counted in psutil.disk_io_counters(perdisk=True).items():
        served = values(page, "node_disk_written_bytes_total", "device")
        assert disk not in served or 0.5 * counted.write_bytes <= served[disk] <= counted.write_bytes


def test_file_system_has_the_numbers_of_df(page: Page) -> None:
    said = subprocess.run(["df", "--block-size=1", "--output=size,itotal", "/"], capture_output=True, text=True, check=True)
    size, inodes = map(int, said.stdout.splitlines()[1].split())
    (root,) = [labels for labels, _ in page.all("node_filesystem_size_bytes") if labels["mountpoint"] == "/"]
    assert page.value("node_filesystem_size_bytes", mountpoint="/") == size
    assert page.value("node_filesystem_files", mountpoint="/") == inodes
    assert page.value("node_filesystem_device_error", mountpoint="/") == 0
    assert root["device_error"] == ""


def test_series_carry_no_instance_and_what_is_said_of_the_target_does(tmp_path: Path) -> None:
    served = once.page(config.parse("targets: [{name: here, kind: host}]", "x.yaml", tmp_path, {}), 10).decode()
    for name, labels, _ in Page(served).samples:
        if name.startswith("node_") or name == "tocsin_threshold":
            assert "instance" not in labels, name
        elif name.startswith(("tocsin_target_", "tocsin_collector_", "tocsin_host_")):
            assert labels["instance"] == "here", name


def test_one_of_several_hosts_carries_its_name_in_all_that_it_says(tmp_path: Path) -> None:
    served = once.page(config.parse("targets: [{name: here, kind: host, own_instance: true}]", "x.yaml", tmp_path, {}), 10).decode()
    own = [(name, labels) for name, labels, _ in Page(served).samples if name.startswith("node_") or name == "tocsin_threshold"]
    assert len(own) > 200
    assert [name for name, labels in own if labels.get("instance") != "here"] == []


def test_every_collector_that_succeeds_is_told_under_its_reference_name(page: Page) -> None:
    assert values(page, "node_scrape_collector_success", "collector") == {c.name: 1 for c in SOURCE.collectors}


@pytest.mark.parametrize("name", [c.name for c in SOURCE.collectors])
def test_collector_that_is_switched_off_leaves_its_series_out(name: str, tmp_path: Path) -> None:
    with Watch(host_options(collectors={name: False}), tmp_path / "state") as watch:
        page = watch.scrape()
    own = {metric.name for c in SOURCE.collectors if c.name == name for metric in c.metrics}
    assert own.isdisjoint(page.names())
    assert set(values(page, "node_scrape_collector_success", "collector")) == {c.name for c in SOURCE.collectors} - {name}


def test_without_a_target_of_the_kind_nothing_is_served() -> None:
    served = once.page(config.parse("targets: []", "x.yaml", Path.cwd(), {}), 5).decode()
    assert "node_" not in served


def test_processor_time_never_steps_back_but_for_one_that_was_taken_away() -> None:
    before = (100, 0, 50, 1000, 40, 0, 0, 0, 0, 0)
    assert _never_back(None, before) == before
    assert _never_back(before, (101, 0, 50, 1001, 38, 0, 0, 0, 0, 0)) == (101, 0, 50, 1001, 40, 0, 0, 0, 0, 0)
    came_back = (1, 0, 1, 2, 0, 0, 0, 0, 0, 0)
    assert _never_back(before, came_back) == came_back


def test_folder_that_is_no_proc_is_told_with_the_remedy(tmp_path: Path) -> None:
    loaded = config.parse(f"targets: [{{name: here, kind: host, procfs: {tmp_path}}}]", "x.yaml", tmp_path, {})
    (report,) = once.check(loaded, 5)
    assert not report.good
    with Watch(host_options(procfs=tmp_path), tmp_path / "state") as watch:
        page = watch.scrape()
        assert watch.target.error is not None
        assert "mount the host's" in str(watch.target.error)
    assert page.value("tocsin_host_up") == 0
    assert page.value("tocsin_target_failing", reason="config") == 1


def test_what_this_kernel_has_not_is_no_failure(tmp_path: Path) -> None:
    """A /proc that holds the least: the rest is Unsupported, and says nothing."""
    for name in ("stat", "meminfo", "loadavg", "uptime"):
        (tmp_path / name).write_text(Path("/proc", name).read_text())
    with Watch(host_options(procfs=tmp_path, sysfs=tmp_path), tmp_path / "state") as watch:
        page = watch.scrape()
        assert [(r.error.reason, str(r.error)) for r in watch.target.records.values() if r.error] == []
    assert page.value("tocsin_host_up") == 1
    assert page.value("node_memory_MemTotal_bytes")
    assert not page.all("node_pressure_cpu_waiting_seconds_total")
    assert not page.all("node_filesystem_size_bytes")


def test_disk_is_described_as_udev_knows_it_and_the_distribution_as_its_file_says(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "run/udev/data").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('ID=deb\nID_LIKE=\'a b\'\nNAME="Deb \\"an\\""\nVERSION_ID="12.5.1"\n# no more\n')
    for line in Path("/proc/diskstats").read_text().splitlines():
        major, minor, _ = line.split()[:3]
        (root / f"run/udev/data/b{major}:{minor}").write_text(
            "S:disk/by-id/x\nE:ID_MODEL=QEMU=X\nE:ID_SERIAL_SHORT=s1\nE:ID_WWN=0x5\nE:ID_PATH=pci-0\nE:ID_REVISION=2.5+\n"
        )
    with Watch(host_options(rootfs=root, collectors={"filesystem": False}), tmp_path / "state") as watch:
        page = watch.scrape()
    disks = [labels for labels, _ in page.all("node_disk_info")]
    assert disks
    for labels in disks:
        assert (labels["model"], labels["serial"], labels["wwn"]) == ("QEMU=X", "s1", "0x5")
        assert (labels["path"], labels["revision"]) == ("pci-0", "2.5+")
        assert labels["rotational"] in ("0", "1")
    assert page.value("node_os_info", name='Deb "an"', id_like="a b", version_id="12.5.1") == 1
    assert page.value("node_os_version") == 12.5


def test_patterns_and_waits_that_cannot_be_meant_are_refused() -> None:
    for wrong in ("mount_points_exclude: '('", "mount_timeout: 1ms", "disks_exclude: '['"):
        with pytest.raises(ConfigError):
            config.parse(f"targets: [{{name: here, kind: host, {wrong}}}]", "x.yaml", Path.cwd(), {})


IN_A_CONTAINER = """
import json, sys, time
from pathlib import Path
from tocsin import config, once
text = f"targets: [{{name: here, kind: host, procfs: {sys.argv[1]}/proc, sysfs: {sys.argv[1]}/sys, rootfs: {sys.argv[1]}}}]"
print(once.page(config.parse(text, "x.yaml", Path("."), {}), 20).decode())
"""


def test_from_within_a_container_the_hosts_network_and_file_systems_are_served(tmp_path: Path, page: Page) -> None:
    """Namespaces of its own for mounts, processes and network, and the host's root mounted at a folder, as Compose does it."""
    if os.geteuid() != 0:
        lacking("namespaces need root")
    host = tmp_path / "host"
    host.mkdir()
    script = f'mount --rbind / {host} && mount -t proc proc /proc && exec "$0" -c "$1" {host}'
    argv = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", script, sys.executable, IN_A_CONTAINER]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    inside = Page(done.stdout)
    assert values(inside, "node_network_receive_bytes_total", "device").keys() >= {"lo"}
    assert (
        values(inside, "node_network_receive_bytes_total", "device")["lo"]
        >= values(page, "node_network_receive_bytes_total", "device")["lo"]
        > 0
    )
    assert inside.value("node_filesystem_size_bytes", mountpoint="/") == page.value("node_filesystem_size_bytes", mountpoint="/")
    assert not [labels for labels, _ in inside.all("node_filesystem_size_bytes") if labels["mountpoint"].startswith(str(host))]
    assert inside.all("node_nf_conntrack_entries") == [], "those of the container's own network would pass for the host's"
    assert inside.value("node_scrape_collector_success", collector="filesystem") == 1


def test_nothing_but_the_standard_library_is_imported() -> None:
    script = (
        "from pathlib import Path; from tocsin import config, once; import sys, json;"
        "once.page(config.parse('targets: [{name: h, kind: host}]', 'x', Path('.'), {}), 10);"
        "print(json.dumps([n for n in ('psutil', 'docker', 'psycopg', 'requests') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_compose_file_mounts_what_its_target_names(tmp_path: Path) -> None:
    text = (ROOT / "compose" / "host.yaml").read_text("utf-8")
    (line,) = re.findall(r"^# +- (\{name: .*\})$", text, re.MULTILINE)
    (target,) = config.parse(f"targets: [{line}]", "x.yaml", tmp_path, {}).targets
    assert isinstance(target, HostOptions)
    (volume,) = yaml.safe_load(text)["services"]["exporter"]["volumes"]
    source, place, mode = volume.split(":")
    assert (source, place) == ("/", str(target.rootfs))
    assert mode.split(",") == ["ro", "rslave"]
    assert {str(target.procfs), str(target.sysfs)} == {f"{place}/proc", f"{place}/sys"}
