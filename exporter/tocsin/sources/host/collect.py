"""What is read of processors, memory, disks and file systems, each collector under node_exporter's name for it."""

from __future__ import annotations

import os
import re
import time

from tocsin.errors import SetupError
from tocsin.metric import Metric
from tocsin.source import Run
from tocsin.sources.host import metrics as m
from tocsin.sources.host.session import HostSession, names_in, peek

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = m.CPU_MODES.index("idle")
_BACK = 3 * _TICKS


def collect_cpu(session: HostSession, run: Run) -> None:
    """Emit where the processors' time went."""
    for line in session.read("stat").splitlines():
        name, *numbers = line.split()
        if not (name.startswith("cpu") and name != "cpu"):
            continue
        cpu = name[3:]
        times = session.processors[cpu] = _never_back(session.processors.get(cpu), tuple(map(int, numbers)))
        for mode, ticks in zip(m.CPU_MODES, times, strict=False):
            run.emit(m.CPU, ticks / _TICKS, (cpu, mode))
        for mode, ticks in zip(("user", "nice"), times[len(m.CPU_MODES) :], strict=False):
            run.emit(m.CPU_GUEST, ticks / _TICKS, (cpu, mode))


def _never_back(before: tuple[int, ...] | None, now: tuple[int, ...]) -> tuple[int, ...]:
    """Return the times without the small steps back that the kernel's estimates of idle and iowait make.

    rate() would take each for a restart. A large one is real: the processor was taken away, and came back.
    """
    if before is None or len(before) != len(now) or now[_IDLE] < before[_IDLE] - _BACK:
        return now
    return tuple(map(max, before, now))


def collect_loadavg(session: HostSession, run: Run) -> None:
    """Emit the load of 1, 5 and 15 minutes."""
    for metric, text in zip(m.LOADS, session.read("loadavg").split(), strict=False):
        run.emit(metric, float(text))


_STAT = {
    "intr": m.INTERRUPTS, "ctxt": m.CONTEXT_SWITCHES, "processes": m.FORKS, "btime": m.BOOT_TIME,
    "procs_running": m.RUNNING, "procs_blocked": m.BLOCKED,
}  # fmt: skip


def collect_stat(session: HostSession, run: Run) -> None:
    """Emit what the kernel counts of the whole machine."""
    for line in session.read("stat").splitlines():
        name, _, rest = line.partition(" ")
        if name in _STAT:
            run.emit(_STAT[name], int(rest.partition(" ")[0]))


def collect_meminfo(session: HostSession, run: Run) -> None:
    """Emit every line of meminfo: also those that node_exporter leaves out since 1.10, like KReclaimable."""
    for line in session.read("meminfo").splitlines():
        name, _, rest = line.partition(":")
        number, _, unit = rest.strip().partition(" ")
        field = re.sub(r"\((.*)\)", r"_\1", name)
        if not number.isdigit() or not re.fullmatch(r"\w+", field):
            continue
        metric = m.MEMORY.metric(f"node_memory_{field}_bytes" if unit else f"node_memory_{field}", f"{name} of /proc/meminfo.")
        run.emit(metric, int(number) * 1024 if unit == "kB" else int(number))


def collect_vmstat(session: HostSession, run: Run) -> None:
    """Emit paging, swapping, faults and kills for want of memory."""
    for line in session.read("vmstat").splitlines():
        field, _, number = line.partition(" ")
        name = f"node_vmstat_{field}"
        if m.VMSTAT.pattern.fullmatch(name):
            run.emit(m.VMSTAT.metric(name, f"{field} of /proc/vmstat."), int(number))


def collect_diskstats(session: HostSession, run: Run) -> None:
    """Emit what disks have done, and what they are."""
    for line in session.read("diskstats").splitlines():
        major, minor, disk, *numbers = line.split()
        if session.skip_disk(disk):
            continue
        for (metric, factor), number in zip(m.DISK_COUNTERS, numbers, strict=False):
            run.emit(metric, _scaled(metric, int(number), factor), (disk,))
        run.emit(m.DISK_INFO, 1, (disk, major, minor, *_identity(session, disk, major, minor)))


def _scaled(metric: Metric, number: int, factor: float) -> float:
    return number / 1000 if metric.unit == "seconds" else number * int(factor)


def _identity(session: HostSession, disk: str, major: str, minor: str) -> tuple[str, ...]:
    """Return path, WWN, model, revision and serial number as udev has them, and whether the disk rotates."""
    said = peek(f"{session.root.rstrip('/')}/run/udev/data/b{major}:{minor}") or ""
    known = dict(line[2:].split("=", 1) for line in said.splitlines() if line.startswith("E:") and "=" in line)
    serial = known.get("SCSI_IDENT_SERIAL") or known.get("ID_SERIAL_SHORT", "")
    rotates = peek(f"{session.sys}/block/{disk.replace('/', '!')}/queue/rotational") or "0"
    words = (known.get(name, "") for name in ("ID_PATH", "ID_WWN", "ID_MODEL"))
    return (*words, serial, known.get("ID_REVISION", ""), rotates)


_HUNG = "mountpoint timeout"
_GO_WORDS = {116: "stale NFS file handle"}
"""Errors that node_exporter calls by other words than the C library."""


def collect_filesystem(session: HostSession, run: Run) -> None:
    """Emit size and state of the file systems; of one that cannot be asked only that, and why."""
    for mount, question in session.file_systems(run):
        answer = question.answer
        error = _why(answer) if answer is None or isinstance(answer, OSError) else ""
        labels = (mount.device, mount.point, mount.fs_type, error)
        run.emit(m.FS_ERROR, int(bool(error)), labels)
        run.emit(m.FS_READONLY, int(mount.read_only), labels)
        if isinstance(answer, os.statvfs_result):
            unit = answer.f_frsize  # what the counts are in; f_bsize is the size of a good read
            run.emit(m.FS_SIZE, answer.f_blocks * unit, labels)
            run.emit(m.FS_FREE, answer.f_bfree * unit, labels)
            run.emit(m.FS_AVAIL, answer.f_bavail * unit, labels)
            run.emit(m.FS_FILES, answer.f_files, labels)
            run.emit(m.FS_FILES_FREE, answer.f_ffree, labels)
            run.emit(m.FS_MOUNT, 1, (mount.device, mount.major, mount.minor, mount.point))


def _why(error: OSError | None) -> str:
    if error is None:
        return _HUNG
    number = error.errno or 0
    return _GO_WORDS.get(number) or os.strerror(number).lower()


def collect_filefd(session: HostSession, run: Run) -> None:
    """Emit open files of the whole machine, and how many there may be."""
    allocated, _unused, maximum = session.read("sys/fs/file-nr").split()
    run.emit(m.FILES_ALLOCATED, int(allocated))
    run.emit(m.FILES_MAXIMUM, int(maximum))


def collect_entropy(session: HostSession, run: Run) -> None:
    """Emit how much randomness the kernel has."""
    run.emit(m.ENTROPY, int(session.read("sys/kernel/random/entropy_avail")))
    run.emit(m.ENTROPY_POOL, int(session.read("sys/kernel/random/poolsize")))


def collect_kernel_hung(session: HostSession, run: Run) -> None:
    """Emit tasks that hung; kernels before 6.13 do not count them."""
    run.emit(m.HUNG_TASKS, int(session.read("sys/kernel/hung_task_detect_count")))


def collect_pressure(session: HostSession, run: Run) -> None:
    """Emit for how long tasks waited for what they need; kernels before 4.20, or booted with psi=0, do not say."""
    for resource in ("cpu", "io", "memory"):
        _emit_pressure(run, resource, session.read(f"pressure/{resource}"))
    _emit_pressure(run, "irq", peek(f"{session.proc}/pressure/irq") or "")  # only where interrupts are accounted for


def _emit_pressure(run: Run, resource: str, text: str) -> None:
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        metric = m.PRESSURE.get((resource, kind))
        if metric is not None:
            run.emit(metric, int(rest.rpartition("total=")[2]) / 1e6)


def collect_time(session: HostSession, run: Run) -> None:
    """Emit the time, and by which clock the kernel keeps it."""
    now = time.time()
    local = time.localtime(now)
    run.emit(m.TIME, now)
    run.emit(m.TIME_ZONE, local.tm_gmtoff, (local.tm_zone,))
    folder = f"{session.sys}/devices/system/clocksource"
    for name in names_in(folder):
        if not name.startswith("clocksource"):
            continue
        device = name.removeprefix("clocksource")
        for clock in (peek(f"{folder}/{name}/available_clocksource") or "").split():
            run.emit(m.CLOCK_AVAILABLE, 1, (device, clock))
        run.emit(m.CLOCK_CURRENT, 1, (device, peek(f"{folder}/{name}/current_clocksource") or ""))


def collect_uname(session: HostSession, run: Run) -> None:
    """Emit the kernel's name and version."""
    name = os.uname()
    domain = peek(f"{session.proc}/sys/kernel/domainname") or ""
    run.emit(m.UNAME, 1, (name.sysname, name.release, name.version, name.machine, name.nodename, domain))


def collect_os(session: HostSession, run: Run) -> None:
    """Emit the distribution's name and version."""
    prefix = session.root.rstrip("/")
    text = peek(f"{prefix}/etc/os-release") or peek(f"{prefix}/usr/lib/os-release")
    if text is None:
        raise SetupError(f"{session.options.name}: no os-release below {session.root}; is `rootfs` the host's root?")
    pairs = re.findall(r"""^([A-Z_0-9]+)=(["']?)(.*)\2$""", text, re.MULTILINE)
    said = {name.lower(): re.sub(r"\\(.)", r"\1", value) for name, _quote, value in pairs}
    run.emit(m.OS_INFO, 1, tuple(said.get(field, "") for field in m.OS_FIELDS))
    version = re.match(r"\d+(\.\d+)?", said.get("version_id", ""))
    if version:
        run.emit(m.OS_VERSION, float(version[0]), tuple(said.get(field, "") for field in m.OS_VERSION.labels))
