"""What containers use, straight from the kernel's files: cgroup version 1 and 2, and the network's counters.

Formats: Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of the kernel, proc(5). A file that is not there, because a
controller is off or the kernel older, gives no sample. What belongs to which series is cAdvisor's choice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tocsin.metric import Metric
from tocsin.sources.docker import metrics as m
from tocsin.sources.docker.container import Container

Sample: TypeAlias = tuple[Metric, float, tuple[str, ...]]
"""A metric, its value, and the labels that it has beside the container's."""

_TICKS = os.sysconf("SC_CLK_TCK")
_NO_INTERFACES = ("lo", "veth", "docker")
"""cAdvisor leaves out what begins so: it belongs to the host's side."""


class Group(NamedTuple):
    """A container's cgroup: its path as a label, and the folder of each controller; of version 2 there is one folder, ''."""

    path: str
    folders: dict[str, str]
    network: str
    """The file with the network's counters; empty where they are not the container's own."""


class Cgroups:
    """The cgroup file system of a host."""

    def __init__(self, root: Path, proc: Path) -> None:
        self.root = str(root)
        self.proc = str(proc)
        self.unified = (root / "cgroup.controllers").exists()
        self._known: dict[str, tuple[int, Group]] = {}
        self._disks: dict[str, str] = {}

    def find(self, container: Container) -> Group | None:
        """Return where a running container's files are, None where they are not readable. Never another's: every path bears the id."""
        known = self._known.get(container.id)
        if known is not None and known[0] == container.started:
            return known[1]
        paths, ours = self._paths(container)
        folders = {name: folder for name, path in paths.items() if (folder := self._folder(name, path)) is not None}
        needed = "" if self.unified else "memory"
        if needed not in folders:
            return None
        shared = container.network_mode == "host" or container.network_mode.startswith("container:")
        network = f"{self.proc}/{container.pid}/net/dev" if ours and not shared else ""
        group = Group(paths[needed], folders, network)
        self._known[container.id] = (container.started, group)
        return group

    def forget_all_but(self, ids: Iterable[str]) -> None:
        ids = set(ids)
        self._known = {id: known for id, known in self._known.items() if id in ids}

    def _paths(self, container: Container) -> tuple[dict[str, str], bool]:
        """Return the cgroup of each controller, by the kernel or else by the usual places, and whether the process is the container's."""
        text = _read(f"{self.proc}/{container.pid}/cgroup") if container.pid else None
        found: dict[str, str] = {}
        for line in (text or "").splitlines():
            _, controllers, path = line.split(":", 2)
            while path.startswith("/../"):  # seen from within another cgroup namespace
                path = path[3:]
            before, id, rest = path.partition(container.id)
            if id:  # a process of systemd's, or of an engine within, is in a group below its container's
                found.update(dict.fromkeys(controllers.split(","), before + id + rest.partition("/")[0]))
        wanted = ("",) if self.unified else ("memory", "cpu", "cpuacct", "blkio", "pids")
        if all(name in found for name in wanted[:1]):
            return {name: found[name] for name in wanted if name in found}, True
        for path in _usual(container):
            if self._folder(wanted[0], path) is not None:
                return dict.fromkeys(wanted, path), False
        return {wanted[0]: ""}, False

    def _folder(self, controller: str, path: str) -> str | None:
        if not path:
            return None
        if self.unified:
            folder = f"{self.root}{path}"
            return folder if os.path.isdir(folder) else None  # noqa: PTH112 -- text throughout: this runs for each container
        for mounted in (controller, *(f for f in ("cpu,cpuacct", "cpuacct,cpu") if controller in f)):
            folder = f"{self.root}/{mounted}{path}"
            if os.path.isdir(folder):  # noqa: PTH112
                return folder
        return None

    def usage(self, group: Group, limited: bool) -> Iterator[Sample]:
        """Yield what a container uses; `limited` tells whether it has a processor limit. Raises OSError when it has just ended."""
        if self.unified:
            yield from self._version_2(group.folders[""], limited)
        else:
            yield from self._version_1(group.folders, limited)
        if group.network:
            yield from _network(_must(group.network))

    def processes(self, group: Group) -> Iterator[Sample]:
        folder = group.folders.get("" if self.unified else "pids")
        if folder is None:
            return
        yield m.PROCESSES, len(_must(f"{folder}/cgroup.procs").split()), ()
        yield from _number(m.THREADS, f"{folder}/pids.current")
        yield from _number(m.THREADS_MAX, f"{folder}/pids.max")

    def _version_1(self, folders: dict[str, str], limited: bool) -> Iterator[Sample]:
        memory = folders["memory"]
        if (folder := folders.get("cpuacct")) is not None:
            yield m.CPU_USAGE, int(_must(f"{folder}/cpuacct.usage")) / 1e9, ("total",)
            stat = _pairs(_must(f"{folder}/cpuacct.stat"))
            yield m.CPU_USER, stat["user"] / _TICKS, ()
            yield m.CPU_SYSTEM, stat["system"] / _TICKS, ()
        if limited and (folder := folders.get("cpu")) is not None:
            stat = _pairs(_must(f"{folder}/cpu.stat"))
            yield from some(stat, _CFS, ())
            yield from some(stat, _CFS_NANOSECONDS, (), 1e9)
        usage = int(_must(f"{memory}/memory.usage_in_bytes"))
        stat = _pairs(_must(f"{memory}/memory.stat"))
        yield m.MEMORY_USAGE, usage, ()
        yield m.MEMORY_WORKING_SET, max(0, usage - stat.get("total_inactive_file", 0)), ()
        yield from some(stat, MEMORY_1, ())
        for scope, prefix in (("container", ""), ("hierarchy", "total_")):
            for fault in ("pgfault", "pgmajfault"):
                if prefix + fault in stat:
                    yield m.MEMORY_FAILURES, stat[prefix + fault], (fault, scope)
        yield from _number(m.MEMORY_MAX, f"{memory}/memory.max_usage_in_bytes")
        yield from _number(m.MEMORY_FAILCNT, f"{memory}/memory.failcnt")
        yield from _number(m.MEMORY_KERNEL, f"{memory}/memory.kmem.usage_in_bytes")
        if (folder := folders.get("blkio")) is not None:
            yield from self._blkio(folder)

    def _blkio(self, folder: str) -> Iterator[Sample]:
        for file, metrics in (("io_service_bytes", _BYTES), ("io_serviced", _TIMES)):
            text = _read(f"{folder}/blkio.throttle.{file}_recursive") or _read(f"{folder}/blkio.throttle.{file}") or ""
            for line in text.splitlines():
                words = line.split()
                if len(words) == 3:  # the last line is a sum over the devices
                    yield from self._io(words[0], words[1], int(words[2]), metrics)

    def _version_2(self, folder: str, limited: bool) -> Iterator[Sample]:
        stat = _pairs(_must(f"{folder}/cpu.stat"))
        yield m.CPU_USAGE, stat["usage_usec"] / 1e6, ("total",)
        yield from some(stat, {"user_usec": m.CPU_USER, "system_usec": m.CPU_SYSTEM}, (), 1e6)
        if limited:
            yield from some(stat, _CFS, ())
            yield from some(stat, _CFS_MICROSECONDS, (), 1e6)
        current = (_read(f"{folder}/memory.current") or "").strip()
        if current.isdecimal():
            usage, stat = int(current), _pairs(_read(f"{folder}/memory.stat") or "")
            yield m.MEMORY_USAGE, usage, ()
            yield m.MEMORY_WORKING_SET, max(0, usage - stat.get("inactive_file", 0)), ()
            yield from some(stat, MEMORY_2, ())
            for fault in ("pgfault", "pgmajfault"):
                if fault in stat:  # version 2 counts the whole tree only
                    for scope in ("container", "hierarchy"):
                        yield m.MEMORY_FAILURES, stat[fault], (fault, scope)
            yield from _number(m.MEMORY_MAX, f"{folder}/memory.peak")
            yield from _number(m.MEMORY_SWAP, f"{folder}/memory.swap.current")
            yield from some(_pairs(_read(f"{folder}/memory.events") or ""), {"high": m.MEMORY_EVENTS_HIGH, "max": m.MEMORY_EVENTS_MAX}, ())
        for line in (_read(f"{folder}/io.stat") or "").splitlines():
            # A device that has done nothing stands alone, here and there before another on the same line; controllers add words of theirs.
            words = line.split()
            device = next((word for word in reversed(words) if re.fullmatch(r"\d+:\d+", word)), "")
            numbers = dict(word.partition("=")[::2] for word in words)
            for key, operation, metrics in _IO_2:
                if device and numbers.get(key, "").isdecimal():
                    yield from self._io(device, operation, int(numbers[key]), metrics)
        for resource in ("cpu", "memory", "io"):
            yield from _pressure(_read(f"{folder}/{resource}.pressure") or "", resource)

    def _io(self, numbers: str, operation: str, value: int, metrics: dict[str, Metric]) -> Iterator[Sample]:
        major, _, minor = numbers.partition(":")
        device = self.device(numbers)
        if operation in metrics:
            yield metrics[operation], value, (device,)
        if metrics is _BYTES:
            yield m.BLKIO, value, (device, major, minor, operation)

    def device(self, numbers: str) -> str:
        """Return `/dev/sda` for `8:0`; empty for what has no name here."""
        if numbers not in self._disks:
            try:
                self._disks[numbers] = "/dev/" + os.path.basename(os.readlink(f"/sys/dev/block/{numbers}")).replace("!", "/")  # noqa: PTH115, PTH119
            except OSError:
                self._disks[numbers] = ""
        return self._disks[numbers]

    def disks(self) -> Iterator[Sample]:
        """Yield what the machine's whole disks did, which cAdvisor serves as the root cgroup's (fields: admin-guide/iostats.rst)."""
        for line in (_read(f"{self.proc}/diskstats") or "").splitlines():
            words = line.split()
            name = words[2]
            if name.startswith(("loop", "ram", "zram")) or not os.path.isdir(f"/sys/block/{name.replace('/', '!')}"):  # noqa: PTH112
                continue
            device = (f"/dev/{name}",)
            for metric, word, unit in _DISKSTATS:
                yield metric, int(words[word]) / unit if unit > 1 else int(words[word]), device


_CFS = {"nr_periods": m.CFS_PERIODS, "nr_throttled": m.CFS_THROTTLED, "nr_bursts": m.CFS_BURSTS}
_CFS_NANOSECONDS = {"throttled_time": m.CFS_THROTTLED_TIME, "burst_time": m.CFS_BURST_TIME}
_CFS_MICROSECONDS = {"throttled_usec": m.CFS_THROTTLED_TIME, "burst_usec": m.CFS_BURST_TIME}
MEMORY_1 = {
    "total_rss": m.MEMORY_RSS, "total_cache": m.MEMORY_CACHE, "total_swap": m.MEMORY_SWAP, "total_mapped_file": m.MEMORY_MAPPED,
    "total_active_file": m.MEMORY_ACTIVE_FILE, "total_inactive_file": m.MEMORY_INACTIVE_FILE, "total_dirty": m.MEMORY_DIRTY,
    "total_writeback": m.MEMORY_WRITEBACK, "total_workingset_refault_file": m.REFAULT_FILE, "total_workingset_refault_anon": m.REFAULT_ANON,
}  # fmt: skip
MEMORY_2 = {
    "anon": m.MEMORY_RSS, "file": m.MEMORY_CACHE, "file_mapped": m.MEMORY_MAPPED, "kernel": m.MEMORY_KERNEL,
    "active_file": m.MEMORY_ACTIVE_FILE, "inactive_file": m.MEMORY_INACTIVE_FILE, "file_dirty": m.MEMORY_DIRTY,
    "file_writeback": m.MEMORY_WRITEBACK, "pgscan": m.PGSCAN, "pgsteal": m.PGSTEAL,
    "workingset_refault_file": m.REFAULT_FILE, "workingset_refault_anon": m.REFAULT_ANON,
}  # fmt: skip
_BYTES = {"Read": m.FS_READ_BYTES, "Write": m.FS_WRITE_BYTES}
_TIMES = {"Read": m.FS_READS, "Write": m.FS_WRITES}
_IO_2 = (
    ("rbytes", "Read", _BYTES), ("wbytes", "Write", _BYTES), ("dbytes", "Discard", _BYTES), ("rios", "Read", _TIMES),
    ("wios", "Write", _TIMES),
)  # fmt: skip
_DISKSTATS = (
    (m.FS_READS, 3, 1), (m.FS_READS_MERGED, 4, 1), (m.FS_SECTOR_READS, 5, 1), (m.FS_READ_TIME, 6, 1000), (m.FS_WRITES, 7, 1),
    (m.FS_WRITES_MERGED, 8, 1), (m.FS_SECTOR_WRITES, 9, 1), (m.FS_WRITE_TIME, 10, 1000), (m.FS_IO_CURRENT, 11, 1),
    (m.FS_IO_TIME, 12, 1000), (m.FS_IO_WEIGHTED, 13, 1000),
)  # fmt: skip
_NETWORK = (
    (m.NET_RX_BYTES, 0), (m.NET_RX_PACKETS, 1), (m.NET_RX_ERRORS, 2), (m.NET_RX_DROPPED, 3),
    (m.NET_TX_BYTES, 8), (m.NET_TX_PACKETS, 9), (m.NET_TX_ERRORS, 10), (m.NET_TX_DROPPED, 11),
)  # fmt: skip


def _usual(container: Container) -> Iterator[str]:
    """Yield where the engine puts a container: with its own driver, and with systemd's."""
    parent = container.cgroup_parent.rstrip("/")
    if parent.endswith(".slice"):
        yield f"/{_slices(parent)}/docker-{container.id}.scope"
    elif parent:
        yield f"/{parent.lstrip('/')}/{container.id}"
    yield f"/docker/{container.id}"
    yield f"/system.slice/docker-{container.id}.scope"


def _slices(name: str) -> str:
    """Return the folders of a slice: `a-b.slice` lies in `a.slice` (systemd.slice(5))."""
    parts = name.removesuffix(".slice").split("-")
    return "/".join("-".join(parts[: i + 1]) + ".slice" for i in range(len(parts)))


def _must(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(fd, 65536)
        while more := os.read(fd, 65536):
            text += more
    finally:
        os.close(fd)
    return text.decode("utf-8", "replace")


def _read(path: str) -> str | None:
    try:
        return _must(path)
    except OSError:
        return None


def _pairs(text: str) -> dict[str, int]:
    """Return the numbers of lines of a word and a number; a line of anything else tells nothing."""
    words = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdecimal()}


def some(stat: dict[str, int], wanted: dict[str, Metric], labels: tuple[str, ...], unit: float = 1) -> Iterator[Sample]:
    for key, metric in wanted.items():
        if key in stat:
            yield metric, stat[key] / unit if unit != 1 else stat[key], labels


def _number(metric: Metric, path: str) -> Iterator[Sample]:
    text = (_read(path) or "").strip()
    if text.isdecimal():  # `max` is none
        yield metric, int(text), ()


def _pressure(text: str, resource: str) -> Iterator[Sample]:
    for line in text.splitlines():
        kind = {"some": "waiting", "full": "stalled"}.get(line.partition(" ")[0])
        total = line.rpartition("total=")[2].strip()
        if kind is not None and total.isdecimal():
            yield m.PRESSURE[resource, kind], int(total) / 1e6, ()


def _network(text: str) -> Iterator[Sample]:
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        name = name.strip()
        if not name.startswith(_NO_INTERFACES):
            words = numbers.split()
            for metric, word in _NETWORK:
                yield metric, int(words[word]), (name,)
