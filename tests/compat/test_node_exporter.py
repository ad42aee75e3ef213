"""The real node_exporter (Debian's newest) and ours on the same machine at the same time, for the collectors that both have.

What each serves is compared as names, types and label names; what stands still is compared by value, and what grows is held
against what theirs says before and after.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

import fuse
from pages import Page, Series, read, reference
from servers import Child, free_port, get, tocsin, until
from tocsin.sources.host import SOURCE
from tocsin.sources.host.config import DISKS, FS_TYPES, MOUNT_POINTS

PROGRAM = "prometheus-node-exporter"

THEIRS_ALONE = {
    "go_": "runtime of the Go language",
    "process_": "about their process; ours has its own",
    "promhttp_": "metrics of the Go HTTP library",
    "node_exporter_build_info": "about their program; ours has tocsin_build_info",
    "node_filesystem_purgeable_bytes": "macOS' alone; on Linux theirs says 0",
    "node_cpu_core_throttles_total": "on real machines alone, read from a folder a core",
    "node_cpu_package_throttles_total": "on real machines alone, read from a folder a core",
    "node_disk_ata_": "of ATA disks that udev describes",
    "node_disk_device_mapper_info": "of logical volumes that udev describes",
    "node_disk_filesystem_info": "of disks with a file system and no partitions that udev describes",
}
OURS_ALONE = {
    "node_memory_KReclaimable_bytes": "theirs left lines of meminfo out when it changed its library",
    "node_memory_SecPageTables_bytes": "likewise",
    "node_memory_FileHugePages_bytes": "likewise",
    "node_memory_FilePmdMapped_bytes": "likewise",
    "node_memory_Balloon_bytes": "likewise",
    "node_memory_GPUActive_bytes": "likewise",
    "node_memory_GPUReclaim_bytes": "likewise",
    "node_memory_Unaccepted_bytes": "likewise",
    "node_memory_Hugetlb_bytes": "likewise",
    "node_memory_CmaTotal_bytes": "likewise",
    "node_memory_CmaFree_bytes": "likewise",
}


DIFFERENT_VALUES = {
    "node_filesystem_readonly": "1.11 says 0 of a tmpfs whose mount and file system are both read-only; the contract, of 1.12, says 1",
}
DIFFERENT_LABELS = {
    ("node_disk_info", "rotational"): "theirs says 0 where any other attribute of the disk's queue is missing",
}


class Pages(NamedTuple):
    """Theirs, ours, and theirs again."""

    theirs: Page
    ours: Page
    later: Page
    folder: Path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    program = reference(PROGRAM)
    folder = tmp_path_factory.mktemp("compared")
    port = free_port()
    options = [
        f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults", *(f"--collector.{c.name}" for c in SOURCE.collectors),
        f"--collector.filesystem.mount-points-exclude={MOUNT_POINTS}", f"--collector.filesystem.fs-types-exclude={FS_TYPES}",
        f"--collector.diskstats.device-exclude={DISKS}",
    ]  # fmt: skip
    config = folder / "tocsin.yaml"
    config.write_text(f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {folder}/state\ntargets: [{{name: here, kind: host}}]\n')
    with ExitStack() as stack:
        _mount_oddities(stack, folder)
        theirs = Child([str(program), *options], folder / "theirs.log")
        stack.callback(theirs.stop)
        url, _ = stack.enter_context(tocsin(config, folder))
        until(lambda: get(f"http://127.0.0.1:{port}/metrics")[0] == 200)
        get(f"{url}/metrics")
        texts = [get(f"{where}/metrics")[1] for where in (f"http://127.0.0.1:{port}", url, f"http://127.0.0.1:{port}")]
        (folder / "theirs.prom").write_text(texts[0])
        (folder / "ours.prom").write_text(texts[1])
        without = tuple(THEIRS_ALONE)
        pages = (read(texts[0], without), read(texts[1], ("tocsin_", *without)), read(texts[2], without))
        yield Pages(*(page._replace(values={_comparable(key): value for key, value in page.values.items()}) for page in pages), folder)


def _comparable(key: Series) -> Series:
    name, labels = key
    return name, frozenset((label, value) for label, value in labels if (name, label) not in DIFFERENT_LABELS)


def _mount_oddities(stack: ExitStack, folder: Path) -> None:
    """One whose name has a blank, one that can only be read, and one whose server is dead: both must call its error the same."""
    if os.geteuid() != 0:
        return
    for name, mode in (("with a blank", "rw"), ("only read", "ro")):
        point = folder / name
        point.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,{mode}", "none", point], check=True)
        stack.callback(subprocess.run, ["umount", "-l", point], check=True)
    stack.enter_context(fuse.mounted(folder / "dead")).die()


def test_names_types_and_labels_are_the_same(pages: Pages) -> None:
    assert len(pages.theirs.shapes) > 200
    assert pages.theirs.shapes - pages.ours.shapes == set()
    assert {s for s in pages.ours.shapes - pages.theirs.shapes if s.name not in OURS_ALONE} == set()


def test_collectors_succeed_where_theirs_do(pages: Pages) -> None:
    theirs, ours = (
        {dict(labels)["collector"]: value for (name, labels), value in page.values.items() if name == "node_scrape_collector_success"}
        for page in pages[:2]
    )
    assert set(theirs) == set(ours)
    assert {name for name in theirs if theirs[name] > ours[name]} == set()


COMES_AND_GOES = r"node_network_.*|node_filesystem_.*"
"""Interfaces and file systems that others on this machine add and remove meanwhile."""


def of_this_test(pages: Pages, key: Series) -> bool:
    labels = dict(key[1])
    place = labels.get("mountpoint", "/")
    return labels.get("device") in ("lo", "eth0") or place == "/" or place.startswith(str(pages.folder))


def test_the_same_series_are_there(pages: Pages) -> None:
    theirs, ours = (
        {k for k in page.values if k[0] not in OURS_ALONE and (not re.fullmatch(COMES_AND_GOES, k[0]) or of_this_test(pages, k))}
        for page in pages[:2]
    )
    assert theirs - ours == set()
    assert ours - theirs == set()


STANDS_STILL = re.compile(
    r"node_(boot_time_seconds|filefd_maximum|entropy_pool_size_bits|uname_info|os_info|os_version|disk_info|nf_conntrack_entries_limit"
    r"|time_zone_offset_seconds|time_clocksource_.*|timex_(status|sync_status|tick_seconds|loop_time_constant|tai_offset_seconds)"
    r"|memory_(MemTotal|SwapTotal|CommitLimit|VmallocTotal|Hugepagesize)_bytes|memory_HugePages_Total"
    r"|network_(info|up|mtu_bytes|speed_bytes|flags|iface_.*|protocol_type|carrier|carrier_changes_total|transmit_queue_length)"
    r"|filesystem_(size_bytes|files|readonly|device_error|mount_info))"
)


def test_what_stands_still_has_the_same_value(pages: Pages) -> None:
    compared = {
        key: value
        for key, value in pages.theirs.values.items()
        if STANDS_STILL.fullmatch(key[0]) and (not re.fullmatch(COMES_AND_GOES, key[0]) or of_this_test(pages, key))
    }
    assert len(compared) > 50
    different = {key: (value, pages.ours.values.get(key)) for key, value in compared.items() if pages.ours.values.get(key) != value}
    assert {key: values for key, values in different.items() if key[0] not in DIFFERENT_VALUES} == {}


def test_file_systems_that_can_only_be_read_are_told_apart(pages: Pages) -> None:
    read_only = {
        dict(labels)["mountpoint"].removeprefix(f"{pages.folder}/"): value
        for (name, labels), value in pages.ours.values.items()
        if name == "node_filesystem_readonly" and of_this_test(pages, (name, labels))
    }
    assert (read_only["with a blank"], read_only["only read"], read_only["/"]) == (0, 1, 0)


def test_what_grows_is_between_what_theirs_says_before_and_after(pages: Pages) -> None:
    growing = re.compile(
        r"node_(cpu_seconds_total|intr_total|context_switches_total|forks_total|time_seconds|disk_\w+_total|pressure_\w+_total"
        r"|network_(receive|transmit)_\w+_total|vmstat_\w+|softnet_\w+_total|netstat_\w+(InSegs|OutSegs|Octets))"
    )
    before, ours, after = (page.values for page in pages[:3])
    compared = [key for key in before if growing.fullmatch(key[0]) and key in after]
    assert len(compared) > 60
    # Idle time is an estimate that steps back a little; theirs rounds sums of milliseconds.
    slack = {key: 0.05 if key[0] == "node_cpu_seconds_total" else 1e-6 * before[key] for key in compared}
    wrong = {k: (before[k], ours.get(k), after[k]) for k in compared if not before[k] - slack[k] <= ours.get(k, -1) <= after[k] + slack[k]}
    assert wrong == {}


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("node_memory_MemAvailable_bytes", 0.2), ("node_memory_Cached_bytes", 0.2), ("node_filefd_allocated", 0.3), ("node_load5", 0.2)],
)
def test_what_moves_is_near(pages: Pages, name: str, tolerance: float) -> None:
    assert pages.ours.values[name, frozenset()] == pytest.approx(pages.theirs.values[name, frozenset()], rel=tolerance)


def test_free_space_is_near(pages: Pages) -> None:
    for name in ("node_filesystem_free_bytes", "node_filesystem_avail_bytes", "node_filesystem_files_free"):
        found = [key for key in pages.theirs.values if key[0] == name and of_this_test(pages, key)]
        assert len(found) >= 1
        for key in found:
            assert pages.ours.values[key] == pytest.approx(pages.theirs.values[key], rel=0.05)


def test_errors_of_file_systems_are_called_the_same(pages: Pages) -> None:
    errors = {
        dict(labels)["device_error"]: value
        for (name, labels), value in pages.ours.values.items()
        if name == "node_filesystem_device_error" and dict(labels)["mountpoint"] == f"{pages.folder}/dead"
    }
    assert errors == {"transport endpoint is not connected": 1}


def test_every_difference_that_is_named_is_one_by_its_name_alone(pages: Pages) -> None:
    theirs = {shape.name for shape in pages.theirs.shapes}
    assert not theirs & set(OURS_ALONE), "theirs serves it by now: take it from the list"


def test_the_exporter_compared_with_is_one_of_those_that_the_contract_speaks_of() -> None:
    version = subprocess.run([reference(PROGRAM), "--version"], capture_output=True, text=True, check=True)
    assert re.search(r"version 1\.(11|12)", version.stdout + version.stderr), "a newer release: compare its series with the contract"
